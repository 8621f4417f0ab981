//go:build unix

package acme

import (
	"strings"
	"testing"
)

// certbot returns certbot, for recipes, and a function that runs it by itself.
func certbot(t *testing.T, provisioner map[string]any) (c *client, try func(args ...string) (string, error)) {
	t.Helper()
	c = newClient(t, "certbot", "certbot", provisioner)
	common := c.wrapCertbot(t)
	return c, func(args ...string) (string, error) {
		return c.try(t, append(append(args, "--server", c.Directory), common...)...)
	}
}

// wrapCertbot is wrap for certbot, and returns the further arguments.
func (c *client) wrapCertbot(t *testing.T) []string {
	t.Helper()
	further := []string{
		"--non-interactive", "--http-01-port", c.HTTPPort(), "--no-random-sleep-on-renew",
		"--config-dir", c.File("letsencrypt"), "--work-dir", c.File("work"), "--logs-dir", c.File("logs"),
	}
	c.wrap(t, lookProgram(t, "certbot", "certbot"), "", strings.Join(further, " "))
	return further
}

// revokeByKey revokes a certificate with its own key, both of them files, as the recipe
// says: certbot does that for clients that cannot revoke.
func (c *client) revokeByKey(t *testing.T, crtFile, keyFile string) {
	t.Helper()
	c.wrapCertbot(t)
	lines := c.recipe(t, "Revocation by the key", "sh")[0]
	c.typed(t, strings.NewReplacer("www.crt", crtFile, "www.key", keyFile).Replace(lines))
}

func TestCertbotStandalone(t *testing.T) {
	t.Parallel()
	c, try := certbot(t, nil)
	blocks := c.recipe(t, "certbot", "sh")
	standalone, renewAndRevoke := blocks[0], blocks[3]
	c.typed(t, standalone)
	file := c.File("letsencrypt/live/www.example.com/fullchain.pem")
	first := c.Leaf(t, file, "www.example.com")
	renew, revoke, _ := strings.Cut(renewAndRevoke, "renew\n")
	c.typed(t, renew+"renew")
	second := c.Leaf(t, file, "www.example.com")
	wantRenewed(t, first, second)
	c.typed(t, strings.TrimSpace(revoke)+" --no-delete-after-revoke")
	c.WantRevoked(t, second, superseded)
	if out, err := try("revoke", "--cert-path", file); err == nil {
		t.Errorf("revoked twice:\n%s", out)
	}
}

func TestCertbotWebroot(t *testing.T) {
	t.Parallel()
	c, try := certbot(t, nil)
	c.Webroot(t)
	c.typed(t, c.recipe(t, "certbot", "sh")[1])
	c.Leaf(t, c.File("letsencrypt/live/www.example.com/fullchain.pem"), "www.example.com", "example.com")
	if out, err := try("certonly", "--webroot", "-w", c.File("www"), "-d", "a.example", "--key-type", "rsa"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c.Leaf(t, c.File("letsencrypt/live/a.example/fullchain.pem"), "a.example")
}

func TestCertbotDNS(t *testing.T) {
	t.Parallel()
	c, try := certbot(t, nil)
	record := c.DNS.Dir + `/_acme-challenge.$CERTBOT_DOMAIN`
	c.Write(t, "auth.sh", "#!/bin/sh\necho \"$CERTBOT_VALIDATION\" >> \""+record+"\"\n", 0o700)
	c.Write(t, "cleanup.sh", "#!/bin/sh\nrm -f \""+record+"\"\n", 0o700)
	c.typed(t, c.recipe(t, "certbot", "sh")[2])
	file := c.File("letsencrypt/live/example.com/fullchain.pem")
	first := c.Leaf(t, file, "x.example.com")
	// A name and its wildcard have two values in one record.
	if out, err := try("certonly", "--cert-name", "example.com", "--expand", "--manual", "--preferred-challenges", "dns", "--manual-auth-hook", "./auth.sh",
		"--manual-cleanup-hook", "./cleanup.sh", "-d", "example.com", "-d", "*.example.com"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	second := c.Leaf(t, file, "example.com", "x.example.com")
	wantRenewed(t, first, second)
	c.typed(t, "certbot renew") // with the same hooks
	wantRenewed(t, second, c.Leaf(t, file, "example.com", "x.example.com"))
}

func TestCertbotExternalAccount(t *testing.T) {
	t.Parallel()
	c, try := certbot(t, map[string]any{"requireEAB": true})
	if out, err := try("register", "--agree-tos", "--register-unsafely-without-email"); err == nil {
		t.Fatalf("registered without a key:\n%s", out)
	}
	id, secret := c.ExternalKey(t)
	if out, err := try("register", "--agree-tos", "--register-unsafely-without-email", "--eab-kid", id, "--eab-hmac-key", secret); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c.typed(t, c.recipe(t, "certbot", "sh")[0])
	c.Leaf(t, c.File("letsencrypt/live/www.example.com/fullchain.pem"), "www.example.com")
}

// TestCertbotAccount changes the contact of an account, and ends it.
func TestCertbotAccount(t *testing.T) {
	t.Parallel()
	_, try := certbot(t, nil)
	run := func(args ...string) string {
		t.Helper()
		out, err := try(args...)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return out
	}
	run("register", "--agree-tos", "--email", "first@example.com")
	run("update_account", "--email", "second@example.com")
	if out := run("show_account"); !strings.Contains(out, "second@example.com") || strings.Contains(out, "first@example.com") {
		t.Errorf("the account has another contact:\n%s", out)
	}
	run("unregister")
	if out, err := try("show_account"); err == nil {
		t.Errorf("the account is still there:\n%s", out)
	}
}
