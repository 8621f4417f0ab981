//go:build unix

package acme

import (
	"fmt"
	"strings"
	"testing"
)

// TestCaddy: Caddy gets certificates by itself and serves them.
func TestCaddy(t *testing.T) {
	t.Parallel()
	c := newClient(t, "caddy", "caddy", nil)
	recipe := c.recipe(t, "Caddy", "caddyfile")[0]
	ports := "{\n\tadmin off\n\thttp_port " + c.HTTPPort() + "\n\thttps_port " + c.TLSPort() + "\n"
	c.runCaddy(t, strings.Replace(recipe, "{\n", ports, 1))
	if page := c.fetch(t, "www.example.com"); page != "hello" {
		t.Errorf("%q", page)
	}
	chain := c.shown(t, "www.example.com")
	c.Check(t, chain, "www.example.com")
	files := c.File("caddy/certificates/127.0.0.1-" + c.port() + "-acme-acme-directory/www.example.com/www.example.com")
	c.revokeByKey(t, files+".crt", files+".key")
	c.WantRevoked(t, chain[0], keyCompromise)
}

// TestCaddyChallenges: Caddy gets certificates with each of its two challenges alone.
func TestCaddyChallenges(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ challenge, other string }{
		{"http-01", "disable_tlsalpn_challenge"},
		{"tls-alpn-01", "disable_http_challenge"},
	} {
		t.Run(tt.challenge, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, "caddy", "caddy", map[string]any{"challenges": []any{tt.challenge}})
			c.caddy(t, "", fmt.Sprintf(`a.example, b.example {
	respond "hello from {host}"
	tls {
		issuer acme {
			dir %s
			trusted_roots %s
			%s
		}
	}
}
`, c.Directory, c.root, tt.other))
			for _, name := range []string{"a.example", "b.example"} {
				if page := c.fetch(t, name); page != "hello from "+name {
					t.Errorf("%s: %q", name, page)
				}
				c.Check(t, c.shown(t, name), name)
			}
		})
	}
}

func TestCaddyExternalAccount(t *testing.T) {
	t.Parallel()
	c := newClient(t, "caddy", "caddy", map[string]any{"requireEAB": true})
	id, secret := c.ExternalKey(t)
	c.caddy(t, fmt.Sprintf("acme_eab {\n\t\tkey_id %s\n\t\tmac_key %s\n\t}", id, secret), "a.example {\n\trespond \"hello\"\n}\n")
	if page := c.fetch(t, "a.example"); page != "hello" {
		t.Errorf("%q", page)
	}
}

// TestCaddyRenews: Caddy renews by itself, when two thirds of the time are over,
// with certificates that live for seconds.
func TestCaddyRenews(t *testing.T) {
	t.Parallel()
	c := newClient(t, "caddy", "caddy", shortLived, noBackdate)
	c.caddy(t, "renew_interval 500ms", "a.example {\n\trespond \"hello\"\n}\n")
	c.fetch(t, "a.example")
	first := c.shown(t, "a.example")
	c.renewedFrom(t, "a.example", first)
}

// TestCaddyOnDemand: Caddy gets a certificate when the first client asks for a name.
func TestCaddyOnDemand(t *testing.T) {
	t.Parallel()
	c := newClient(t, "caddy", "caddy", nil)
	c.caddy(t, "", "https:// {\n\ttls {\n\t\ton_demand\n\t}\n\trespond \"hello from {host}\"\n}\n")
	if page := c.fetch(t, "new.example"); page != "hello from new.example" {
		t.Errorf("%q", page)
	}
}

// caddy runs Caddy with global options and sites. It gets certificates from the CA,
// at the ports of the world.
func (c *client) caddy(t *testing.T, options, sites string) *transcript {
	t.Helper()
	return c.runCaddy(t, fmt.Sprintf("{\n\tadmin off\n\thttp_port %s\n\thttps_port %s\n\tacme_ca %s\n\tacme_ca_root %s\n\temail ops@example.com\n\t%s\n}\n%s",
		c.HTTPPort(), c.TLSPort(), c.Directory, c.root, options, sites))
}

// runCaddy runs Caddy with a Caddyfile.
func (c *client) runCaddy(t *testing.T, caddyfile string) *transcript {
	t.Helper()
	return c.serve(t, c.program, "run", "--config", c.Write(t, "Caddyfile", caddyfile, 0o600), "--adapter", "caddyfile")
}
