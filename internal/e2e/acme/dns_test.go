//go:build unix

package acme

import (
	"path/filepath"
	"testing"
)

// These tests get a certificate for a name and its wildcard, whose values are in
// one TXT record, from clients that write it by dynamic updates (RFC 2136).

func TestCertbotUpdatesDNS(t *testing.T) {
	t.Parallel()
	c, _ := certbot(t, nil)
	c.typed(t, "mkdir letsencrypt")
	c.Write(t, "letsencrypt/rfc2136.ini", c.recipe(t, "Names by DNS", "ini")[0], 0o600)
	c.typed(t, c.recipe(t, "Names by DNS", "sh")[0])
	c.Leaf(t, c.File("letsencrypt/live/example.com/fullchain.pem"), "example.com", "x.example.com")
	c.wantNoRecords(t)
}

func TestLegoUpdatesDNS(t *testing.T) {
	t.Parallel()
	c, _ := lego(t, nil)
	c.typed(t, c.recipe(t, "Names by DNS", "sh")[1])
	c.Leaf(t, c.File("lego/certificates/example.com.crt"), "example.com", "x.example.com")
	c.wantNoRecords(t)
}

func TestDehydratedUpdatesDNS(t *testing.T) {
	t.Parallel()
	lookProgram(t, "nsupdate", "bind9-dnsutils")
	c, run := dehydrated(t, nil, "CHALLENGETYPE=dns-01\nHOOK=./hook.sh\n")
	c.Write(t, "hook.sh", c.recipe(t, "Names by DNS", "bash")[0], 0o700)
	run("--register", "--accept-terms")
	run("--cron", "--domain", "example.com", "--domain", "*.example.com", "--alias", "example")
	c.Leaf(t, c.File("dehydrated/certs/example/fullchain.pem"), "example.com", "x.example.com")
	c.wantNoRecords(t)
}

// wantNoRecords fails the test if a client left records behind.
func (c *client) wantNoRecords(t *testing.T) {
	t.Helper()
	if left, err := filepath.Glob(filepath.Join(c.DNS.Dir, "*")); err != nil || len(left) > 0 {
		t.Errorf("records left behind: %v, %v", left, err)
	}
}
