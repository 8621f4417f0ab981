package va

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// dialTimeout bounds one connection; a name with several addresses shares it
// among them, IPv6 first (RFC 8305).
const dialTimeout = 10 * time.Second

// errRefusedAddress is why an address is never connected to.
var errRefusedAddress = errors.New("address not allowed for validation")

// metadata are addresses at which clouds tell an instance its secrets, beyond
// the link-local ones.
var metadata = map[netip.Addr]string{
	netip.MustParseAddr("fd00:ec2::254"):      "AWS",
	netip.MustParseAddr("fd20:ce::254"):       "Google Cloud",
	netip.MustParseAddr("fd00:c1::a9fe:a9fe"): "Oracle Cloud",
	netip.MustParseAddr("fd00:a9fe:a9fe::1"):  "Akamai (Linode)",
	netip.MustParseAddr("fd00:42::42"):        "Scaleway",
	netip.MustParseAddr("100.100.100.200"):    "Alibaba Cloud",
	netip.MustParseAddr("168.63.129.16"):      "Azure",
}

// embedding are prefixes of IPv6 addresses that lead to an IPv4 address, and where in
// them it stands: NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056), IPv4-compatible ones.
var embedding = []struct {
	prefix netip.Prefix
	at     int // octet
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12},
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12},
	{netip.MustParsePrefix("2002::/16"), 2},
	{netip.MustParsePrefix("::/96"), 12},
}

// leadsTo returns the IPv4 address that an IPv6 address stands for, or the address
// itself.
func leadsTo(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if !addr.Is6() || addr.IsUnspecified() || addr.IsLoopback() {
		return addr
	}
	for _, e := range embedding {
		if e.prefix.Contains(addr) {
			b := addr.As16()
			return netip.AddrFrom4([4]byte(b[e.at : e.at+4]))
		}
	}
	return addr
}

// refuseMetadata refuses link-local addresses (169.254.0.0/16, fe80::/10), where
// clouds keep their metadata services, their other metadata addresses, and
// addresses of no one host. Private and loopback addresses are fine: most
// CAs of this kind serve private networks.
func refuseMetadata(addr netip.Addr) error {
	addr = leadsTo(addr)
	switch {
	case addr.IsLinkLocalUnicast():
		return fmt.Errorf("%w: %s is link-local", errRefusedAddress, addr)
	case addr.IsUnspecified(), addr.IsMulticast():
		return fmt.Errorf("%w: %s is not the address of a host", errRefusedAddress, addr)
	case metadata[addr] != "":
		return fmt.Errorf("%w: %s is a metadata service of %s", errRefusedAddress, addr, metadata[addr])
	}
	return nil
}

// dial connects to host:port, looking the host up if it is a name. The address
// is checked when the socket connects, so that neither a redirect nor a
// resolver that changes its answers gets around it.
func (v *Validator) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(host); err != nil {
		address = net.JoinHostPort(v.fqdn(host), port)
	}
	d := net.Dialer{Timeout: dialTimeout, Resolver: v.cfg.Resolver, Control: v.control}
	return d.DialContext(ctx, network, address)
}

func (v *Validator) control(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", errRefusedAddress, address)
	}
	return refuseMetadata(ap.Addr())
}

// fqdn returns a name as it is looked up.
func (v *Validator) fqdn(name string) string {
	if v.cfg.StrictFQDN && !strings.HasSuffix(name, ".") {
		return name + "."
	}
	return name
}
