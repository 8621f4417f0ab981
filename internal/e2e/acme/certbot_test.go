//go:build unix

package acme

import (
	"testing"
)

// certbot returns certbot with what every run of it needs.
func certbot(t *testing.T, provisioner map[string]any) (c *client, run func(args ...string)) {
	t.Helper()
	c = newClient(t, "certbot", "certbot", provisioner)
	common := []string{
		"--non-interactive", "--server", c.Directory,
		"--config-dir", c.File("config"), "--work-dir", c.File("work"), "--logs-dir", c.File("logs"),
	}
	return c, func(args ...string) {
		t.Helper()
		c.run(t, append(args, common...)...)
	}
}

func TestCertbotStandalone(t *testing.T) {
	t.Parallel()
	c, run := certbot(t, nil)
	run("certonly", "--standalone", "--http-01-port", c.HTTPPort(), "--agree-tos", "--email", "ops@example.com", "-d", "a.example", "-d", "b.example")
	file := c.File("config/live/a.example/fullchain.pem")
	first := c.Leaf(t, file, "a.example", "b.example")
	run("renew", "--force-renewal", "--no-random-sleep-on-renew")
	second := c.Leaf(t, file, "a.example", "b.example")
	if first.SerialNumber.Cmp(second.SerialNumber) == 0 {
		t.Error("the certificate was not renewed")
	}
	run("revoke", "--cert-name", "a.example", "--reason", "superseded", "--no-delete-after-revoke")
	if out, err := c.try(t, "revoke", "--cert-path", file, "--non-interactive", "--server", c.Directory,
		"--config-dir", c.File("config"), "--work-dir", c.File("work"), "--logs-dir", c.File("logs")); err == nil {
		t.Errorf("revoked twice:\n%s", out)
	}
}

func TestCertbotWebroot(t *testing.T) {
	t.Parallel()
	c, run := certbot(t, nil)
	run("certonly", "--webroot", "-w", c.Webroot(t), "--agree-tos", "--register-unsafely-without-email", "-d", "a.example", "--key-type", "rsa")
	c.Leaf(t, c.File("config/live/a.example/fullchain.pem"), "a.example")
}

func TestCertbotDNS(t *testing.T) {
	t.Parallel()
	c, run := certbot(t, nil)
	record := c.DNS.Dir + `/_acme-challenge.$CERTBOT_DOMAIN`
	auth := c.Write(t, "auth.sh", "#!/bin/sh\necho \"$CERTBOT_VALIDATION\" >> \""+record+"\"\n", 0o700)
	cleanup := c.Write(t, "cleanup.sh", "#!/bin/sh\nrm -f \""+record+"\"\n", 0o700)
	run("certonly", "--manual", "--preferred-challenges", "dns", "--manual-auth-hook", auth, "--manual-cleanup-hook", cleanup,
		"--agree-tos", "--register-unsafely-without-email", "-d", "a.example", "-d", "*.a.example")
	c.Leaf(t, c.File("config/live/a.example/fullchain.pem"), "a.example", "x.a.example")
}

func TestCertbotExternalAccount(t *testing.T) {
	t.Parallel()
	c, run := certbot(t, map[string]any{"requireEAB": true})
	if out, err := c.try(t, "register", "--agree-tos", "--register-unsafely-without-email", "--non-interactive", "--server", c.Directory,
		"--config-dir", c.File("config"), "--work-dir", c.File("work"), "--logs-dir", c.File("logs")); err == nil {
		t.Fatalf("registered without a key:\n%s", out)
	}
	id, secret := c.ExternalKey(t)
	run("register", "--agree-tos", "--register-unsafely-without-email", "--eab-kid", id, "--eab-hmac-key", secret)
	run("certonly", "--standalone", "--http-01-port", c.HTTPPort(), "-d", "a.example")
	c.Leaf(t, c.File("config/live/a.example/fullchain.pem"), "a.example")
}
