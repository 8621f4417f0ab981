//go:build unix

package acme

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"stepca/internal/freeport"
)

// uacme returns uacme, for recipes.
func uacme(t *testing.T, provisioner map[string]any) *client {
	t.Helper()
	c := newClient(t, "uacme", "uacme", provisioner)
	c.trusting(t)
	c.Webroot(t)
	c.wrap(t, c.program, "--confdir "+c.File("uacme"), "")
	return c
}

var curlLibrary = regexp.MustCompile(`libcurl-gnutls\S* => (\S+)`)

// trusting makes uacme trust the CA. uacme cannot be told whom to trust: it takes
// the system's list of roots. So it gets a copy of libcurl in which the name of
// that list is another, relative one; that needs no rights, unlike a mount.
func (c *client) trusting(t *testing.T) {
	t.Helper()
	linked := curlLibrary.FindStringSubmatch(c.runProgram(t, "ldd", c.program))
	if linked == nil {
		t.Fatalf("%s uses no libcurl that we know", c.program)
	}
	library, err := os.ReadFile(linked[1])
	if err != nil {
		t.Fatal(err)
	}
	system, own := []byte("\x00/etc/ssl/certs\x00"), []byte("\x00roots\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	if bytes.Count(library, system) != 1 {
		t.Fatalf("%s does not have the list of roots where Debian has it", linked[1])
	}
	for _, dir := range []string{"roots", "lib"} {
		if err := os.Mkdir(c.File(dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	c.Write(t, filepath.Join("lib", filepath.Base(linked[1])), string(bytes.Replace(library, system, own, 1)), 0o700)
	if err := os.Symlink(c.root, c.File("roots/root_ca.crt")); err != nil {
		t.Fatal(err)
	}
	c.environ = append(c.environ, "LD_LIBRARY_PATH="+c.File("lib"))
}

func TestUacme(t *testing.T) {
	t.Parallel()
	c := uacme(t, nil)
	lines := strings.SplitAfter(c.recipe(t, "uacme", "sh")[0], "\n")
	export, register, issue, revoke := lines[0], lines[1], lines[2], lines[3]
	file := c.File("uacme/www.example.com/cert.pem")
	c.typed(t, export+register+issue)
	first := c.Leaf(t, file, "www.example.com", "example.com")
	c.typed(t, export+issue) // it has less than 30 days left
	second := c.Leaf(t, file, "www.example.com", "example.com")
	wantRenewed(t, first, second)
	c.typed(t, export+strings.Replace(issue, "www.example.com", "127.0.0.1", 1)) // RFC 8738
	c.Leaf(t, c.File("uacme/127.0.0.1/cert.pem"), "127.0.0.1", "example.com")
	c.typed(t, strings.Replace(register, "new ops@example.com", "newkey", 1))
	c.typed(t, revoke)
	c.WantRevoked(t, second, unspecified)
	c.typed(t, strings.Replace(register, "new ops@example.com", "deactivate", 1))
}

func TestUacmeExternalAccount(t *testing.T) {
	t.Parallel()
	c := uacme(t, map[string]any{"requireEAB": true})
	lines := strings.SplitAfter(c.recipe(t, "uacme", "sh")[0], "\n")
	export, register, issue, revoke := lines[0], lines[1], lines[2], lines[3]
	if out, err := c.try(t, "--confdir", c.File("uacme"), "--acme-url", c.Directory, "--yes", "new"); err == nil {
		t.Fatalf("registered without a key:\n%s", out)
	}
	id, secret := c.ExternalKey(t)
	c.typed(t, strings.Replace(register, "--yes", "--yes --eab "+id+":"+secret, 1))
	c.typed(t, export+issue)
	crt := c.Leaf(t, c.File("uacme/www.example.com/cert.pem"), "www.example.com", "example.com")
	c.typed(t, strings.TrimSpace(revoke)+" "+c.File("uacme/private/www.example.com/key.pem")) // signed with it, not by the account
	c.WantRevoked(t, crt, unspecified)
}

// TestUacmeTLS: ualpn answers tls-alpn-01 for uacme, in front of the web server.
func TestUacmeTLS(t *testing.T) {
	t.Parallel()
	c := uacme(t, map[string]any{"challenges": []any{"tls-alpn-01"}})
	ualpn := lookProgram(t, "ualpn", "uacme")
	c.wrap(t, ualpn, "--sock "+c.File("ualpn.sock"), "")
	bind := func(address string) string { return strings.Replace(address, ":", "@", 1) }
	c.serve(t, c.File("bin/ualpn"), "--bind", bind(c.TLS), "--connect", bind(freeport.Address(t)), "--pidfile", c.File("ualpn.pid"))
	c.wait(t, "ualpn", func() bool { _, err := os.Stat(c.File("ualpn.sock")); return err == nil })
	lines := strings.SplitAfter(c.recipe(t, "uacme", "sh")[0], "\n")
	c.typed(t, lines[1]+strings.Replace(lines[2], "uacme.sh", "ualpn.sh", 1))
	c.Leaf(t, c.File("uacme/www.example.com/cert.pem"), "www.example.com", "example.com")
}

func TestUacmeDNS(t *testing.T) {
	t.Parallel()
	c := uacme(t, nil)
	c.Write(t, "hook.sh", `#!/bin/sh
test "$2" = dns-01 || exit 1
record="`+c.DNS.Dir+`/_acme-challenge.$3"
case $1 in
begin) echo "$5" >> "$record" ;;
*) rm -f "$record" ;;
esac
`, 0o700)
	lines := strings.SplitAfter(c.recipe(t, "uacme", "sh")[0], "\n")
	c.typed(t, lines[1]+strings.NewReplacer("/usr/share/uacme/uacme.sh", "./hook.sh", "www.example.com", "'*.example.com'").Replace(lines[2]))
	c.Leaf(t, c.File("uacme/example.com/cert.pem"), "x.example.com", "example.com")
}
