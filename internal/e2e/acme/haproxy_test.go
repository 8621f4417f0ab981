//go:build unix

package acme

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"stepca/internal/freeport"
)

// TestHAProxy does what the recipe says: lego gets a certificate for HAProxy, and
// renews it through HAProxy, which takes it up.
func TestHAProxy(t *testing.T) {
	t.Parallel()
	c := newClient(t, "lego", "lego", nil)
	haproxy := lookProgram(t, "haproxy", "haproxy")
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("hello")) }))
	defer app.Close()
	here := strings.NewReplacer("127.0.0.1:8402", freeport.Address(t), "127.0.0.1:8080", app.Listener.Addr().String(),
		"--http --pem", "--http --http.port "+c.HTTP+" --pem", " renew ", " renew --no-random-sleep ")
	lines := c.recipe(t, "HAProxy", "sh")
	c.typed(t, here.Replace(lines[0]))
	config := c.Write(t, "haproxy.cfg", here.Replace(c.recipe(t, "HAProxy", "haproxy")[0]), 0o600)
	c.serve(t, haproxy, "-W", "-db", "-f", config, "-p", c.File("haproxy.pid"))
	if page := c.fetch(t, "www.example.com"); page != "hello" {
		t.Errorf("%q", page)
	}
	first := c.shown(t, "www.example.com")
	c.Check(t, first, "www.example.com")
	c.typed(t, "mkdir bin")
	c.Write(t, "bin/systemctl", "#!/bin/sh\ntest \"$*\" = 'reload haproxy' && exec kill -USR2 $(cat haproxy.pid)\n", 0o700)
	c.typed(t, here.Replace(lines[1]))
	second := c.renewedFrom(t, "www.example.com", first)
	c.run(t, "--path", c.File("lego"), "--server", c.Directory, "--email", "ops@example.com", "--domains", "www.example.com", "revoke")
	c.WantRevoked(t, second[0], unspecified)
}
