//go:build unix

package acme

import "testing"

func TestLego(t *testing.T) {
	t.Parallel()
	c := newClient(t, "lego", "lego", nil)
	common := []string{"--server", c.Directory, "--path", c.File("lego"), "--email", "ops@example.com", "--accept-tos"}
	with := func(args ...string) []string { return append(common[:len(common):len(common)], args...) }
	http := []string{"--domains", "a.example", "--http", "--http.port", c.HTTP}
	c.run(t, append(with(http...), "run")...)
	file := c.File("lego/certificates/a.example.crt")
	first := c.Leaf(t, file, "a.example")
	c.run(t, append(with(http...), "renew", "--days", "9999", "--no-random-sleep")...)
	if second := c.Leaf(t, file, "a.example"); first.SerialNumber.Cmp(second.SerialNumber) == 0 {
		t.Error("the certificate was not renewed")
	}
	c.run(t, append(with("--domains", "b.example", "--tls", "--tls.port", c.TLS), "run")...)
	c.Leaf(t, c.File("lego/certificates/b.example.crt"), "b.example")
	c.run(t, append(with(http...), "revoke")...)
}
