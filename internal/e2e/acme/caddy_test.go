//go:build unix

package acme

import (
	"crypto/tls"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// TestCaddy: Caddy gets certificates by itself, over http-01 and tls-alpn-01, and
// serves them.
func TestCaddy(t *testing.T) {
	t.Parallel()
	c := newClient(t, "caddy", "caddy", nil)
	config := c.Write(t, "Caddyfile", fmt.Sprintf(`{
	admin off
	http_port %s
	https_port %s
	storage file_system %q
	acme_ca %s
	acme_ca_root %q
	email ops@example.com
}
a.example, b.example {
	respond "hello"
}
`, c.HTTPPort(), c.TLSPort(), c.File("caddy"), c.Directory, c.CA.RootFile), 0o600)
	log, err := os.Create(c.File("log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(c.program, "run", "--config", config, "--adapter", "caddyfile")
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = c.environ, c.Dir, log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	}()
	for _, name := range []string{"a.example", "b.example"} {
		state, err := handshake(c.TLS, name, time.Now().Add(clientTime))
		if err != nil {
			out, _ := os.ReadFile(c.File("log"))
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		c.Check(t, state.PeerCertificates, name)
	}
}

// handshake connects until the server has a certificate for the name.
func handshake(address, name string, until time.Time) (*tls.ConnectionState, error) {
	for {
		conn, err := tls.Dial("tcp", address, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err == nil {
			defer conn.Close()
			state := conn.ConnectionState()
			return &state, nil
		}
		if time.Now().After(until) {
			return nil, err
		}
		time.Sleep(200 * time.Millisecond)
	}
}
