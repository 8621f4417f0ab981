//go:build unix

package acme

import (
	"os/exec"
	"testing"
)

// trusting makes the client run where the system's list of roots is that of the
// CA, in a mount namespace of its own: uacme has no other way to be told.
func (c *client) trusting(t *testing.T) {
	t.Helper()
	bind := []string{"--map-root-user", "--mount", "sh", "-c", `mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec "$@"`, c.CA.RootFile}
	unshare, err := exec.LookPath("unshare")
	if err == nil {
		err = exec.Command(unshare, append(bind, "true")...).Run()
	}
	if err != nil {
		t.Skipf("no mount namespace for %s: %v", c.program, err)
	}
	c.prefix = append(bind, c.program)
	c.program = unshare
}

func TestUacme(t *testing.T) {
	t.Parallel()
	c := newClient(t, "uacme", "uacme", nil)
	c.trusting(t)
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
