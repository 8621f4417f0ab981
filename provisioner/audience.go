package provisioner

import (
	"net"
	"net/url"
	"strings"

	"stepca/ca"
)

// The audience of tokens from before audiences named the CA's address. Token
// audiences with a fragment resolve it as a URL reference, whence the slash.
const (
	legacyAudience         = "step-certificate-authority"
	legacyFragmentAudience = "/" + legacyAudience
)

// An audience is a value of the "aud" claim as tokens are compared: a URL
// without its port, with its host in lower case, and its fragment taken apart.
type audience struct {
	url, fragment string
}

// parseAudience never fails: what is no URL is compared as it is.
func parseAudience(s string) audience {
	u, err := url.Parse(s)
	if err != nil {
		return audience{url: s}
	}
	fragment := u.Fragment
	u.Fragment, u.RawFragment = "", ""
	u.Host = bracketed(strings.ToLower(u.Hostname()))
	return audience{url: u.String(), fragment: fragment}
}

// bracketed writes an IPv6 address as the host of a URL.
func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// operations is a set of operations.
type operations uint16

// operationSet returns the set of those given.
func operationSet(ops ...ca.Operation) operations {
	var set operations
	for _, op := range ops {
		for i, known := range [...]ca.Operation{
			ca.SignX509, ca.RenewX509, ca.RevokeX509, ca.SignSSH, ca.RenewSSH, ca.RekeySSH, ca.RevokeSSH,
		} {
			if op == known {
				set |= 1 << i
			}
		}
	}
	return set
}

// audiences says for which operations a token audience is good.
type audiences map[string]operations

// endpointAudiences are the paths of URLs that are audiences. Signing X.509 and
// SSH certificates share theirs on purpose: a token for an SSH certificate also
// vouches for the X.509 identity certificate that may come with it.
var endpointAudiences = []struct {
	path string
	ops  operations
}{
	{"/sign", operationSet(ca.SignX509, ca.SignSSH)},
	{"/ssh/sign", operationSet(ca.SignX509, ca.SignSSH)},
	{"/renew", operationSet(ca.RenewX509)},
	{"/revoke", operationSet(ca.RevokeX509)},
	{"/ssh/renew", operationSet(ca.RenewSSH)},
	{"/ssh/rekey", operationSet(ca.RekeySSH)},
	{"/ssh/revoke", operationSet(ca.RevokeSSH)},
}

// newAudiences returns the audiences of a CA with the given names.
func newAudiences(dnsNames []string) audiences {
	set := audiences{legacyAudience: operationSet(ca.SignX509, ca.RevokeX509)}
	for _, name := range dnsNames {
		host := strings.ToLower(name)
		if ip := net.ParseIP(name); ip != nil {
			host = bracketed(host)
		}
		for _, e := range endpointAudiences {
			for _, prefix := range [...]string{"", "/1.0"} {
				u := url.URL{Scheme: "https", Host: host, Path: prefix + e.path}
				set[u.String()] |= e.ops
			}
		}
	}
	return set
}

// operations returns what the values are good for. Only those with the given
// fragment count.
func (s audiences) operations(values []audience, fragment string) operations {
	var ops operations
	for _, v := range values {
		if v.fragment != fragment {
			continue
		}
		key := v.url
		if fragment != "" {
			switch key {
			case legacyFragmentAudience:
				key = legacyAudience
			case legacyAudience:
				continue
			}
		}
		ops |= s[key]
	}
	return ops
}
