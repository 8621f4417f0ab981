//go:build unix

package acme

import (
	"os"
	"strings"
	"testing"
)

// TestRuby runs the programs of the recipe, with the library that GitLab has.
func TestRuby(t *testing.T) {
	t.Parallel()
	c := newClient(t, "ruby", "ruby-acme-client", nil)
	if _, err := c.try(t, "-e", `require "acme-client"`); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("acme-client is not installed: apt-get install ruby-acme-client")
		}
		t.Skip("acme-client is not installed: apt-get install ruby-acme-client")
	}
	c.Webroot(t)
	c.typed(t, "openssl genrsa -out account.key 2048")
	programs := c.recipe(t, "Programs in Ruby", "ruby")
	client, _, _ := strings.Cut(programs[0], "\norder = ")
	get, revoke := c.Write(t, "get.rb", programs[0], 0o600), c.Write(t, "revoke.rb", client+programs[1], 0o600)
	c.run(t, get)
	first := c.Leaf(t, c.File("www.crt"), "www.example.com", "example.com")
	c.run(t, get)
	second := c.Leaf(t, c.File("www.crt"), "www.example.com", "example.com")
	wantRenewed(t, first, second)
	c.run(t, revoke)
	c.WantRevoked(t, second, superseded)
	if out, err := c.try(t, revoke); err == nil {
		t.Errorf("revoked twice:\n%s", out)
	}
}
