package client

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// ErrScheme reports a CA URL that is not https.
var ErrScheme = errors.New("must have https scheme")

// ParseURL parses the address of a CA: a URL, "host" or "host:port", where host
// may be a bare IPv6 address. Without a scheme it is https, and no other is
// accepted (ErrScheme). Path, query and user information are dropped: the routes
// of a CA are absolute.
func ParseURL(s string) (*url.URL, error) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		scheme, rest = "https", s
	}
	if !strings.EqualFold(scheme, "https") {
		return nil, ErrScheme
	}
	if addr, err := netip.ParseAddr(rest); err == nil && addr.Is6() {
		rest = "[" + rest + "]"
	}
	u, err := url.Parse("https://" + rest)
	if err != nil {
		return nil, fmt.Errorf("%q is not the address of a certificate authority", s)
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("%q names no host", s)
	}
	if _, port, err := net.SplitHostPort(u.Host); err == nil && port == "" {
		u.Host = strings.TrimSuffix(u.Host, ":")
	}
	return &url.URL{Scheme: "https", Host: u.Host}, nil
}
