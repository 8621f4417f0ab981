package issue

import (
	"crypto/x509"
	"slices"
	"strings"

	"stepca/ca"
	"stepca/template"
)

// maxNames bounds the names in one certificate. Verifiers spend time for each,
// and a list this long is a mistake or an attack.
const maxNames = 1000

// check reads contents and finds out whether they may be signed. It changes
// nothing; what it returns is a copy that nobody else holds.
func (i *Issuer) check(c *contents, grant *ca.Grant, authority *Authority) (*prepared, error) {
	tbs := c.tbs
	if err := CheckPublicKey(c.pub); err != nil {
		return nil, err
	}
	if err := checkSerial(tbs); err != nil {
		return nil, err
	}
	v := ca.Validity{NotBefore: tbs.NotBefore, NotAfter: tbs.NotAfter}
	if err := i.checkValidity(v, grant, authority.validity()); err != nil {
		return nil, err
	}
	if c.caFromRequest {
		return nil, ca.Errorf(ca.ErrForbidden, "the certificate request asks for a CA certificate, which the template of provisioner %q does not grant by itself", grant.Provisioner.Name)
	}
	names, err := renderedNames(tbs)
	if err != nil {
		return nil, err
	}
	if err := checkNames(names, tbs, grant); err != nil {
		return nil, err
	}
	if err := authority.constraints.check(names); err != nil {
		return nil, err
	}
	if grant.Renew == nil && !grant.OwnName {
		if err := i.checkPolicies(c.judged(names), tbs, grant); err != nil {
			return nil, err
		}
	}
	if err := i.linter.check(tbs, c.pub, authority); err != nil {
		return nil, err
	}
	own := *tbs
	own.ExtraExtensions = slices.Clone(tbs.ExtraExtensions)
	return &prepared{tbs: &own, pub: c.pub, authority: authority}, nil
}

// maxSerialBits is RFC 5280 §4.1.2.2's bound, without the sign octet.
const maxSerialBits = 20*8 - 1

// checkSerial matters for serial numbers that templates choose.
func checkSerial(tbs *x509.Certificate) error {
	n := tbs.SerialNumber
	if n == nil || n.Sign() <= 0 || n.BitLen() > maxSerialBits {
		return ca.Errorf(ca.ErrForbidden, "the template's serial number is not a positive number of at most 20 octets")
	}
	return nil
}

// renderedNames returns every name that the finished certificate will carry, in
// whatever form it was written, but for the subject's (first) common name.
func renderedNames(tbs *x509.Certificate) ([]ca.Identifier, error) {
	general, err := template.GeneralNames(tbs)
	if err != nil {
		return nil, ca.Errorf(ca.ErrForbidden, "the subject alternative name extension is malformed: %w", err)
	}
	names := make([]ca.Identifier, len(general))
	for i, g := range general {
		names[i] = g.Identifier()
	}
	commonNames, err := template.CommonNames(tbs)
	if err != nil {
		return nil, ca.Errorf(ca.ErrForbidden, "the subject is malformed: %w", err)
	}
	for _, cn := range commonNames {
		if cn != tbs.Subject.CommonName {
			names = append(names, ca.Identifier{Type: ca.CommonName, Value: cn})
		}
	}
	return names, nil
}

// checkNames holds the rendered names against the grant. A custom template is
// the operator's own word on names, so with one only the form of names is
// checked here, and policy decides the rest.
func checkNames(names []ca.Identifier, tbs *x509.Certificate, grant *ca.Grant) error {
	if len(names) > maxNames {
		return ca.Errorf(ca.ErrForbidden, "the certificate has %d names, more than the %d allowed", len(names), maxNames)
	}
	if grant.Renew != nil {
		return nil // the names were vouched for when it was first issued
	}
	for _, id := range names {
		if err := id.Validate(); err != nil {
			return rejected(id, "%w", err)
		}
	}
	if grant.AnyName || grant.Template.Source != "" {
		return nil
	}
	for _, id := range names {
		if !slices.ContainsFunc(grant.SANs, func(allowed ca.Identifier) bool { return sameName(allowed, id) }) {
			return rejected(id, "provisioner %q does not vouch for the name %q", grant.Provisioner.Name, id.Value)
		}
	}
	if cn := tbs.Subject.CommonName; cn != "" && cn != grant.Subject.CommonName && !slices.Contains(grant.CSR.CommonNames, cn) && !grant.ForceCN {
		return rejected(ca.Identifier{Type: ca.CommonName, Value: cn}, "provisioner %q does not vouch for the common name %q", grant.Provisioner.Name, cn)
	}
	return nil
}

// sameName compares names as certificates mean them: an address has several
// spellings, and host names have no case.
func sameName(a, b ca.Identifier) bool {
	if a.Type != b.Type {
		return false
	}
	if a.Value == b.Value {
		return true
	}
	switch a.Type {
	case ca.IP:
		return sameIP(a.Value, b.Value)
	case ca.DNS:
		return strings.EqualFold(a.Value, b.Value)
	case ca.URI:
		return sameURI(a.Value, b.Value)
	}
	return false
}

// judged returns the names that policies are about.
func (c *contents) judged(names []ca.Identifier) []ca.Identifier {
	if len(c.notJudged) == 0 {
		return names
	}
	return slices.DeleteFunc(slices.Clone(names), func(id ca.Identifier) bool { return slices.Contains(c.notJudged, id) })
}

// checkPolicies asks the provisioner's policy, then the authority's.
func (i *Issuer) checkPolicies(names []ca.Identifier, tbs *x509.Certificate, grant *ca.Grant) error {
	if p := i.cfg.ProvisionerPolicies[grant.Provisioner.ID]; p != nil {
		if err := p.Check(tbs.Subject.CommonName, names); err != nil {
			return err
		}
	}
	if i.cfg.Policy != nil {
		return i.cfg.Policy.Check(tbs.Subject.CommonName, names)
	}
	return nil
}
