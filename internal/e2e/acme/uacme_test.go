//go:build unix

package acme

import "testing"

func TestUacme(t *testing.T) {
	t.Parallel()
	c := newClient(t, "uacme", "uacme", nil)
	well := c.Webroot(t) + "/.well-known/acme-challenge"
	hook := c.Write(t, "hook.sh", `#!/bin/sh
test "$2" = http-01 || exit 1
case $1 in
begin) printf %s "$5" > "`+well+`/$4" ;;
done|failed) rm -f "`+well+`/$4" ;;
esac
`, 0o700)
	config := c.File("uacme")
	c.run(t, "--confdir", config, "--acme-url", c.Directory, "--yes", "new", "ops@example.com")
	c.run(t, "--confdir", config, "--acme-url", c.Directory, "--hook", hook, "issue", "a.example", "b.example")
	file := config + "/a.example/cert.pem"
	c.Leaf(t, file, "a.example", "b.example")
	c.run(t, "--confdir", config, "--acme-url", c.Directory, "revoke", file)
}
