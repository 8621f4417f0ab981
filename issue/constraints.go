package issue

import (
	"crypto/x509"
	"net"
	"net/url"
	"strings"

	"stepca/ca"
)

// nameConstraints are the constraints of all CA certificates above a leaf
// (RFC 5280 §4.2.1.10). A name must satisfy each certificate's own; checking
// them before signing spares the requester a certificate that nobody accepts.
type nameConstraints []*x509.Certificate

// newNameConstraints keeps the certificates that have constraints.
func newNameConstraints(chain []*x509.Certificate) nameConstraints {
	var constrained nameConstraints
	for _, crt := range chain {
		if len(crt.PermittedDNSDomains)+len(crt.ExcludedDNSDomains)+
			len(crt.PermittedIPRanges)+len(crt.ExcludedIPRanges)+
			len(crt.PermittedEmailAddresses)+len(crt.ExcludedEmailAddresses)+
			len(crt.PermittedURIDomains)+len(crt.ExcludedURIDomains) > 0 {
			constrained = append(constrained, crt)
		}
	}
	return constrained
}

// check returns an error of kind ErrRejectedIdentifier for the first name that
// a constraint excludes or does not permit.
func (c nameConstraints) check(names []ca.Identifier) error {
	for _, crt := range c {
		for _, id := range names {
			if err := checkConstraints(crt, id); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkConstraints(crt *x509.Certificate, id ca.Identifier) error {
	switch id.Type {
	case ca.DNS:
		return applyConstraints("DNS name", id, crt.PermittedDNSDomains, crt.ExcludedDNSDomains, matchDNSConstraint)
	case ca.Email:
		return applyConstraints("email address", id, crt.PermittedEmailAddresses, crt.ExcludedEmailAddresses, matchEmailConstraint)
	case ca.URI:
		return applyConstraints("URI", id, crt.PermittedURIDomains, crt.ExcludedURIDomains, matchURIConstraint)
	case ca.IP:
		return applyConstraints("IP address", id, crt.PermittedIPRanges, crt.ExcludedIPRanges, matchIPConstraint)
	}
	return nil
}

func applyConstraints[C any](kind string, id ca.Identifier, permitted, excluded []C, match func(value string, constraint C) bool) error {
	for _, c := range excluded {
		if match(id.Value, c) {
			return rejected(id, "%s %q is excluded by a name constraint of the CA", kind, id.Value)
		}
	}
	if len(permitted) == 0 {
		return nil
	}
	for _, c := range permitted {
		if match(id.Value, c) {
			return nil
		}
	}
	return rejected(id, "%s %q is not permitted by any constraint", kind, id.Value)
}

// rejected says that one name may not be issued.
func rejected(id ca.Identifier, format string, args ...any) *ca.Error {
	err := ca.Errorf(ca.ErrRejectedIdentifier, format, args...)
	err.Identifier = &id
	return err
}

// matchDNSConstraint: a constraint "example.com" covers itself and everything
// below it; with a leading dot, only what is below. A wildcard name stands for
// names below its parent, so it matches as if "*" were a label.
func matchDNSConstraint(name, constraint string) bool {
	name, constraint = strings.ToLower(strings.TrimSuffix(name, ".")), strings.ToLower(constraint)
	if constraint == "" {
		return true
	}
	if below, ok := strings.CutPrefix(constraint, "."); ok {
		return strings.HasSuffix(name, "."+below)
	}
	return name == constraint || strings.HasSuffix(name, "."+constraint)
}

// matchEmailConstraint: a constraint with "@" is one mailbox, one with a leading
// dot every host below a domain, anything else one host.
func matchEmailConstraint(addr, constraint string) bool {
	at := strings.LastIndexByte(addr, '@')
	if at < 0 {
		return false
	}
	local, host := addr[:at], strings.ToLower(addr[at+1:])
	if cLocal, cHost, ok := strings.Cut(constraint, "@"); ok {
		return local == cLocal && host == strings.ToLower(cHost)
	}
	return matchHost(host, constraint)
}

// matchURIConstraint compares the host of the URI; a URI without a host name
// matches nothing, so that no permitted subtree lets it through.
func matchURIConstraint(uri, constraint string) bool {
	u, err := url.Parse(uri)
	if err != nil || u.Hostname() == "" || net.ParseIP(u.Hostname()) != nil {
		return false
	}
	return matchHost(strings.ToLower(u.Hostname()), constraint)
}

func matchHost(host, constraint string) bool {
	constraint = strings.ToLower(constraint)
	if strings.HasPrefix(constraint, ".") {
		return strings.HasSuffix(host, constraint)
	}
	return host == constraint
}

func matchIPConstraint(addr string, constraint *net.IPNet) bool {
	ip := net.ParseIP(addr)
	return ip != nil && constraint.Contains(ip)
}
