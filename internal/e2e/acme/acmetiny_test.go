//go:build unix

package acme

import "testing"

func TestAcmeTiny(t *testing.T) {
	t.Parallel()
	c := newClient(t, "acme-tiny", "acme-tiny", nil)
	c.Webroot(t)
	c.typed(t, c.recipe(t, "acme-tiny", "sh")[0])
	c.Leaf(t, c.File("www.crt"), "www.example.com")
}
