package issue

import (
	"net/netip"
	"net/url"
)

// sameIP reports whether two spellings are one address.
func sameIP(a, b string) bool {
	x, err := netip.ParseAddr(a)
	if err != nil {
		return false
	}
	y, err := netip.ParseAddr(b)
	return err == nil && x.Unmap() == y.Unmap()
}

// sameURI reports whether two spellings are one URI once parsed and written
// again, which is how a certificate holds it.
func sameURI(a, b string) bool {
	x, err := url.Parse(a)
	if err != nil {
		return false
	}
	y, err := url.Parse(b)
	return err == nil && x.String() == y.String()
}
