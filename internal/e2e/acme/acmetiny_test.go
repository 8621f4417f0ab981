//go:build unix

package acme

import (
	"strings"
	"testing"
)

func TestAcmeTiny(t *testing.T) {
	t.Parallel()
	c := newClient(t, "acme-tiny", "acme-tiny", nil)
	c.Webroot(t)
	lines := c.recipe(t, "acme-tiny", "sh")[0]
	c.typed(t, lines)
	first := c.Leaf(t, c.File("www.crt"), "www.example.com")
	export, _, _ := strings.Cut(lines, "\n")
	_, again, _ := strings.Cut(lines, "\nacme-tiny ")
	c.typed(t, export+"\nacme-tiny "+again)
	second := c.Leaf(t, c.File("www.crt"), "www.example.com")
	wantRenewed(t, first, second)
	c.revokeByKey(t, c.File("www.crt"), c.File("www.key"))
	c.WantRevoked(t, second, keyCompromise)
}
