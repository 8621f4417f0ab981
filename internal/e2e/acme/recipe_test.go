//go:build unix

package acme

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	docBlock = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")
)

// recipe returns the pieces of code in a section of docs/acme-clients.md that are in a
// language. Addresses, ports and directories are those of the world.
func (c *client) recipe(t *testing.T, section, language string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "acme-clients.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text2, ok := strings.Cut(string(text), "\n## "+section+"\n")
	if !ok {
		t.Fatalf("docs/acme-clients.md has no section %q", section)
	}
	text2, _, _ = strings.Cut(text2, "\n## ")
	host, port, _ := strings.Cut(c.DNS.Addr, ":")
	names := strings.NewReplacer(
		"https://ca.example.com/acme/acme/directory", c.Directory,
		"/etc/ssl/certs/root_ca.crt", c.root,
		"/var/www/html", c.File("www"),
		"/etc/letsencrypt", c.File("letsencrypt"),
		"/var/lib/dehydrated", c.File("dehydrated"),
		"/etc/ssl/uacme", c.File("uacme"),
		"10.0.0.53:53", c.DNS.Addr, "10.0.0.53 53", host+" "+port, "10.0.0.53", host, "port = 53", "port = "+port,
		"/etc/lego", c.File("lego"),
		"/etc/lacme", c.File("lacme"), "0.0.0.0:80", c.HTTP,
		"*:80", c.HTTP, "bind :80", "bind "+c.HTTP, "bind :443", "bind "+c.TLS, "listen 80;", "listen "+c.HTTP+";",
		"*:443", c.TLS, "listen 443 ", "listen "+c.TLS+" ",
	)
	var blocks []string
	for _, block := range docBlock.FindAllStringSubmatch(text2, -1) {
		if block[1] == language {
			blocks = append(blocks, names.Replace(block[2]))
		}
	}
	if len(blocks) == 0 {
		t.Fatalf("section %q of docs/acme-clients.md has no code in %s", section, language)
	}
	return blocks
}

// wrap puts a program before the one of the same name in the path of the client's
// shell: it runs that with further arguments, before and after its own.
func (c *client) wrap(t *testing.T, path, before, after string) {
	t.Helper()
	if err := os.MkdirAll(c.File("bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	c.Write(t, filepath.Join("bin", filepath.Base(path)), "#!/bin/sh\nexec "+path+" "+before+` "$@" `+after+"\n", 0o755)
}

// typed lets a shell run lines, all of which have to succeed, and returns what they
// said. It stands in the directory of the world.
func (c *client) typed(t *testing.T, lines string) string {
	t.Helper()
	return c.runProgram(t, "/bin/sh", "-euc", "PATH="+c.File("bin")+":$PATH\n"+lines)
}
