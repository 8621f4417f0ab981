//go:build unix

package acme

import (
	"strings"
	"testing"
)

// lego returns lego, for recipes, and a function that runs it by itself, with an
// account or making one.
func lego(t *testing.T, provisioner map[string]any) (c *client, run func(args ...string)) {
	t.Helper()
	c = newClient(t, "lego", "lego", provisioner)
	common := []string{"--path", c.File("lego"), "--http.port", c.HTTP, "--tls.port", c.TLS, "--dns.disable-cp", "--dns.resolvers", c.DNS.Addr}
	c.wrap(t, c.program, strings.Join(common, " "), "")
	common = append(common, "--server", c.Directory, "--email", "ops@example.com", "--accept-tos")
	return c, func(args ...string) {
		t.Helper()
		c.run(t, append(common[:len(common):len(common)], args...)...)
	}
}

func TestLego(t *testing.T) {
	t.Parallel()
	c, run := lego(t, nil)
	export, lines, _ := strings.Cut(c.recipe(t, "lego", "sh")[0], "\n")
	issue, lines, _ := strings.Cut(lines, "\n")
	renew, revoke, _ := strings.Cut(lines, "\n")
	file := c.File("lego/certificates/www.example.com.crt")
	c.typed(t, export+"\n"+issue)
	first := c.Leaf(t, file, "www.example.com")
	c.typed(t, export+"\n"+renew+" --no-random-sleep")
	second := c.Leaf(t, file, "www.example.com")
	wantRenewed(t, first, second)
	c.typed(t, export+"\n"+revoke)
	c.WantRevoked(t, second, unspecified)

	run("--domains", "b.example", "--tls", "run")
	c.Leaf(t, c.File("lego/certificates/b.example.crt"), "b.example")
	c.Webroot(t)
	run("--domains", "c.example", "--http", "--http.webroot", c.File("www"), "--key-type", "rsa2048", "run")
	c.Leaf(t, c.File("lego/certificates/c.example.crt"), "c.example")
}

func TestLegoDNS(t *testing.T) {
	t.Parallel()
	c, _ := lego(t, nil)
	c.Write(t, "hook.sh", `#!/bin/sh
record="`+c.DNS.Dir+`/${2%.}"
case $1 in
present) echo "$3" >> "$record" ;;
cleanup) rm -f "$record" ;;
esac
`, 0o700)
	c.typed(t, c.recipe(t, "lego", "sh")[1])
	c.Leaf(t, c.File("lego/certificates/_.example.com.crt"), "x.example.com")
}

func TestLegoExternalAccount(t *testing.T) {
	t.Parallel()
	c, run := lego(t, map[string]any{"requireEAB": true})
	id, secret := c.ExternalKey(t)
	run("--eab", "--kid", id, "--hmac", secret, "--domains", "a.example", "--http", "run")
	c.Leaf(t, c.File("lego/certificates/a.example.crt"), "a.example")
}
