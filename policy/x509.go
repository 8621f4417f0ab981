package policy

import (
	"strings"

	"stepca/ca"
)

// X509 holds the rules for X.509 certificates. A nil *X509 allows every name.
type X509 struct{ lists lists }

// NewX509 compiles the rules. It returns nil if there are none, whatever else is
// set. The error is a *RuleError.
func NewX509(o *X509Options) (*X509, error) {
	var found faults
	p := newX509(o, found.at(""))
	return p, found.err()
}

func newX509(o *X509Options, f faults) *X509 {
	if o == nil {
		return nil
	}
	p := &X509{lists{wildcards: o.AllowWildcardNames, strict: o.Strict}}
	p.lists.allow.addX509(o.Allow, permitted, f.at("allow"))
	p.lists.deny.addX509(o.Deny, excluded, f.at("deny"))
	p.lists.anyAllow = !p.lists.allow.empty()
	if !p.lists.anyAllow && p.lists.deny.empty() {
		return nil
	}
	return p
}

func (r *rules) addX509(n *X509Names, constraint string, f faults) {
	r.constraint = constraint
	if n == nil {
		return
	}
	r.parseAll(n.CommonNames, "common name", f.at("cn"), r.addCN)
	r.parseAll(n.DNS, "domain", f.at("dns"), r.addDNS)
	r.parseAll(n.IPs, "ip", f.at("ip"), r.addIP)
	r.parseAll(n.Emails, "email", f.at("email"), r.addEmail)
	r.parseAll(n.URIs, "URI domain", f.at("uri"), r.addURI)
	r.parseAll(n.Other, "other name", f.at("other"), r.addOther)
}

// x509Order is the order in which names are judged, and so which refusal is
// reported of several.
var x509Order = [...]ca.IdentifierType{ca.DNS, ca.IP, ca.Email, ca.URI}

// Check judges the names of a certificate. commonName is that of the subject; a
// subject with several has the others among names, with type ca.CommonName. The
// error is a *ca.Error about the first name that is refused.
func (p *X509) Check(commonName string, names []ca.Identifier) error {
	if err := p.CheckNames(names); err != nil {
		return err
	}
	return p.checkCommonName(commonName)
}

// CheckNames is Check for names that no subject goes with, as in an ACME order.
func (p *X509) CheckNames(names []ca.Identifier) error {
	if p == nil {
		return nil
	}
	judged := 0
	for _, kind := range x509Order {
		for _, name := range names {
			if name.Type != kind {
				continue
			}
			judged++
			if err := p.lists.judge(subject{name, name.Type}); err != nil {
				return err
			}
		}
	}
	if judged == len(names) {
		return nil
	}
	return p.checkRest(names)
}

// checkRest judges the names of kinds that are not in x509Order.
func (p *X509) checkRest(names []ca.Identifier) error {
	for _, name := range names {
		var err error
		switch name.Type {
		case ca.DNS, ca.IP, ca.Email, ca.URI:
			continue
		case ca.CommonName:
			err = p.checkCommonName(name.Value)
		default:
			err = p.lists.judge(subject{name, name.Type})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkCommonName accepts a common name that an allow rule for cn names, refuses
// one that a deny rule names, and judges any other as what it looks like.
func (p *X509) checkCommonName(cn string) error {
	if p == nil || cn == "" {
		return nil
	}
	s := subject{ca.Identifier{Type: ca.ParseSAN(cn).Type, Value: cn}, ca.CommonName}
	folded := strings.ToLower(cn)
	switch {
	case has(p.lists.deny.cn, folded):
		return s.notAllowed()
	case has(p.lists.allow.cn, folded):
		return nil
	case len(p.lists.allow.cn) == 0 && len(p.lists.deny.cn) > 0 && !p.lists.strict:
		return nil
	}
	return p.lists.judge(s)
}
