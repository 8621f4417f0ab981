package policy

import (
	"strings"

	"stepca/ca"
)

// SSH holds the rules for SSH certificates. A nil *SSH allows every principal.
type SSH struct {
	user, host *lists // nil without rules
}

// NewSSH compiles the rules. It returns nil if there are none. The error is a
// *RuleError.
func NewSSH(o *SSHOptions) (*SSH, error) {
	var found faults
	p := newSSH(o, found.at(""))
	return p, found.err()
}

func newSSH(o *SSHOptions, f faults) *SSH {
	if o == nil {
		return nil
	}
	p := &SSH{user: newSSHType(o.User, f.at("user")), host: newSSHType(o.Host, f.at("host"))}
	if p.user == nil && p.host == nil {
		return nil
	}
	return p
}

func newSSHType(o *SSHTypeOptions, f faults) *lists {
	if o == nil {
		return nil
	}
	l := &lists{}
	l.allow.addSSH(o.Allow, permitted, f.at("allow"))
	l.deny.addSSH(o.Deny, excluded, f.at("deny"))
	l.anyAllow = !l.allow.empty()
	if !l.anyAllow && l.deny.empty() {
		return nil
	}
	return l
}

func (r *rules) addSSH(n *SSHNames, constraint string, f faults) {
	r.constraint = constraint
	if n == nil {
		return
	}
	r.parseAll(n.DNS, "domain", f.at("dns"), r.addDNS)
	r.parseAll(n.IPs, "ip", f.at("ip"), r.addIP)
	r.parseAll(n.Emails, "email", f.at("email"), r.addEmail)
	r.parseAll(n.Principals, "principal", f.at("principal"), r.addPrincipal)
}

// Check judges the principals of a certificate. The error is a *ca.Error about
// the first that is refused. A certificate without principals is valid for every
// name (OpenSSH PROTOCOL.certkeys), so where there are rules it is refused.
func (p *SSH) Check(typ ca.SSHCertType, principals []string) error {
	if p == nil {
		return nil
	}
	l := p.user
	if typ == ca.SSHHost {
		l = p.host
	}
	if l == nil {
		other := ca.SSHHost
		if typ == ca.SSHHost {
			other = ca.SSHUser
		}
		return ca.Errorf(ca.ErrForbidden, "authority not allowed to sign SSH %s certificates when SSH %s certificate policy is active", typ, other)
	}
	if len(principals) == 0 {
		return ca.Errorf(ca.ErrForbidden, "SSH %s certificate policy is active, and a certificate without principals would be valid for all", typ)
	}
	return l.judgePrincipals(typ, principals)
}

// Covers reports whether Check looks at the principals of certificates of a type:
// with rules for the other type alone it refuses all.
func (p *SSH) Covers(typ ca.SSHCertType) bool {
	return p == nil || typ == ca.SSHUser && p.user != nil || typ == ca.SSHHost && p.host != nil
}

// sshOrder is the order in which principals are judged.
var sshOrder = [...]ca.IdentifierType{ca.DNS, ca.IP, ca.Email, ca.Principal}

func (l *lists) judgePrincipals(typ ca.SSHCertType, principals []string) error {
	names := make([]ca.Identifier, len(principals))
	for i, principal := range principals {
		name, err := classify(typ, principal)
		if err != nil {
			return err
		}
		names[i] = name
	}
	for _, kind := range sshOrder {
		for _, name := range names {
			if name.Type != kind {
				continue
			}
			if err := l.judge(subject{name, kind}); err != nil {
				return err
			}
		}
	}
	return nil
}

// classify says by which kind of rules a principal is judged. Hosts are named by
// address or DNS name, users by name or e-mail address; nothing else is a
// principal. A pattern is none either: newer versions of OpenSSH take one in a
// host certificate for every host that it matches, whatever the rules for those.
func classify(typ ca.SSHCertType, principal string) (ca.Identifier, error) {
	name := ca.ParseSAN(principal)
	isHost := typ == ca.SSHHost
	switch {
	case isHost && strings.ContainsAny(principal, "*?"):
		s := subject{name, ca.DNS}
		return name, s.notAllowed()
	case name.Type == ca.URI, name.Type == ca.IP && !isHost:
		s := subject{name, ca.Principal}
		return name, s.notAllowed()
	case name.Type == ca.DNS && !isHost:
		name.Type = ca.Principal
	}
	return name, nil
}
