//go:build unix

package acme

import (
	"os"
	"strings"
	"testing"
)

// lacme returns lacme, for recipes, which proves names as the edit of the recipe's
// configuration says. It keeps the user who runs it, and waits as long as other clients.
func lacme(t *testing.T, edit *strings.Replacer) *client {
	t.Helper()
	c := newClient(t, "lacme", "lacme", nil)
	lookProgram(t, "lacme-accountd", "lacme-accountd")
	for _, dir := range []string{"lacme", "lacme/lacme-certs.conf.d"} { // which the package has
		if err := os.Mkdir(c.File(dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	configs := c.recipe(t, "lacme", "ini")
	same := strings.NewReplacer("[client]", "[client]\nuser =\ngroup =\ntimeout = 300", "[webserver]", "[webserver]\nuser =\ngroup =")
	c.Write(t, "lacme/lacme-accountd.conf", configs[1], 0o600)
	c.Write(t, "lacme/lacme-certs.conf", configs[2], 0o600)
	config := c.Write(t, "lacme/lacme.conf", edit.Replace(same.Replace(configs[0])), 0o600)
	c.wrap(t, c.program, "--config "+config, "")
	return c
}

func TestLacme(t *testing.T) {
	t.Parallel()
	c := lacme(t, strings.NewReplacer())
	get, revoke, _ := strings.Cut(c.recipe(t, "lacme", "sh")[0], "lacme revokeCert")
	revoke = "lacme revokeCert" + revoke
	c.typed(t, get)
	file := c.File("lacme/www.crt")
	first := c.Leaf(t, file, "www.example.com", "example.com")
	c.typed(t, "lacme newOrder") // it has less than 21 days left
	second := c.Leaf(t, file, "www.example.com", "example.com")
	wantRenewed(t, first, second)
	c.typed(t, revoke)
	c.WantRevoked(t, second, unspecified)
}

// TestLacmeWebroot: another web server shows the answers; the certificate is revoked
// by its own key, which has to be RSA for lacme.
func TestLacmeWebroot(t *testing.T) {
	t.Parallel()
	c := lacme(t, strings.NewReplacer("listen = ", "challenge-directory = www/.well-known/acme-challenge\n# "))
	c.Webroot(t)
	get, revoke, _ := strings.Cut(c.recipe(t, "lacme", "sh")[0], "lacme revokeCert")
	c.typed(t, strings.Replace(get, "EC -pkeyopt ec_paramgen_curve:P-256", "RSA", 1))
	crt := c.Leaf(t, c.File("lacme/www.crt"), "www.example.com", "example.com")
	c.typed(t, "cp lacme/www.key lacme/account.key\nlacme revokeCert"+revoke)
	c.WantRevoked(t, crt, unspecified)
}
