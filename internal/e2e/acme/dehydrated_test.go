//go:build unix

package acme

import (
	"fmt"
	"os"
	"testing"
)

// dehydrated returns dehydrated with a configuration file that has further lines.
func dehydrated(t *testing.T, lines func(*client) string) (c *client, run func(args ...string)) {
	t.Helper()
	c = newClient(t, "dehydrated", "dehydrated", nil)
	if err := os.Mkdir(c.File("base"), 0o700); err != nil {
		t.Fatal(err)
	}
	config := c.Write(t, "config", fmt.Sprintf("CA=%q\nBASEDIR=%q\nACCOUNT_KEYSIZE=2048\nKEY_ALGO=prime256v1\nCURL_OPTS=\"--cacert %s\"\n%s\n",
		c.Directory, c.File("base"), c.CA.RootFile, lines(c)), 0o600)
	return c, func(args ...string) {
		t.Helper()
		c.run(t, append(args, "--config", config)...)
	}
}

func TestDehydratedHTTP(t *testing.T) {
	t.Parallel()
	c, run := dehydrated(t, func(c *client) string {
		return fmt.Sprintf("WELLKNOWN=%q", c.Webroot(t)+"/.well-known/acme-challenge")
	})
	run("--register", "--accept-terms")
	run("--cron", "--domain", "a.example")
	c.Leaf(t, c.File("base/certs/a.example/fullchain.pem"), "a.example")
	run("--revoke", c.File("base/certs/a.example/cert.pem"))
}

func TestDehydratedDNS(t *testing.T) {
	t.Parallel()
	c, run := dehydrated(t, func(c *client) string {
		hook := c.Write(t, "hook.sh", `#!/bin/sh
case $1 in
deploy_challenge) echo "$4" >> "`+c.DNS.Dir+`/_acme-challenge.$2" ;;
clean_challenge) rm -f "`+c.DNS.Dir+`/_acme-challenge.$2" ;;
esac
`, 0o700)
		return fmt.Sprintf("CHALLENGETYPE=dns-01\nHOOK=%q", hook)
	})
	run("--register", "--accept-terms")
	run("--cron", "--domain", "a.example")
	c.Leaf(t, c.File("base/certs/a.example/fullchain.pem"), "a.example")
}
