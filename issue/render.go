package issue

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"

	"stepca/ca"
	"stepca/template"
)

// Extensions that the pipeline itself writes or reads.
var (
	oidSubjectAltName   = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidSubjectKeyID     = asn1.ObjectIdentifier{2, 5, 29, 14}
	oidAuthorityKeyID   = asn1.ObjectIdentifier{2, 5, 29, 35}
	oidBasicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
)

// contents are what render wrote: a certificate without issuer and signature.
type contents struct {
	tbs *x509.Certificate
	pub crypto.PublicKey

	// caFromRequest is set if the contents are those of a CA only because the
	// request says so of itself.
	caFromRequest bool

	// notJudged are names that policies do not judge, because they name nobody.
	notJudged []ca.Identifier
}

// render writes the contents of the certificate. Nothing after it changes them.
func (i *Issuer) render(req *ca.Request, grant *ca.Grant, authority *Authority) (*contents, error) {
	if grant.Renew != nil {
		return i.renderRenewal(req, grant, authority)
	}
	c, err := i.renderTemplate(req, grant)
	if err != nil {
		return nil, err
	}
	tbs := c.tbs
	if grant.ForceCN && tbs.Subject.CommonName == "" {
		if err := forceCommonName(tbs); err != nil {
			return nil, err
		}
	}
	if err := setProvisionerExtension(tbs, grant.Extension); err != nil {
		return nil, err
	}
	if tbs.SerialNumber == nil {
		tbs.SerialNumber = ca.NewSerialNumber()
	}
	if len(tbs.SubjectKeyId) == 0 {
		if tbs.SubjectKeyId, err = SubjectKeyID(c.pub); err != nil {
			return nil, err
		}
	}
	if tbs.SignatureAlgorithm == 0 {
		tbs.SignatureAlgorithm = authority.sigAlg
	}
	tbs.AuthorityKeyId = authority.skid
	authority.Pointers.addTo(tbs)
	v := i.validity(req, grant, ca.Validity{NotBefore: tbs.NotBefore, NotAfter: tbs.NotAfter}, authority.validity())
	tbs.NotBefore, tbs.NotAfter = v.NotBefore, v.NotAfter
	return c, nil
}

// forceCommonName makes the first DNS name the common name. The alternative names
// are critical only where there is no subject (RFC 5280 §4.2.1.6), so a template
// that wrote them for an empty one had them critical in vain.
func forceCommonName(tbs *x509.Certificate) error {
	names, err := template.GeneralNames(tbs)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(names, func(n template.GeneralName) bool { return n.Tag == template.TagDNSName })
	if at < 0 {
		return ca.Errorf(ca.ErrMalformed, "cannot force common name, DNS names is empty")
	}
	if len(tbs.RawSubject) > 0 {
		return ca.Errorf(ca.ErrForbidden, "cannot force common name: the template writes a raw subject without one")
	}
	tbs.Subject.CommonName = string(names[at].Value)
	for i := range tbs.ExtraExtensions {
		if tbs.ExtraExtensions[i].Id.Equal(oidSubjectAltName) {
			tbs.ExtraExtensions[i].Critical = false
		}
	}
	return nil
}

// renderTemplate runs the grant's template.
func (i *Issuer) renderTemplate(req *ca.Request, grant *ca.Grant) (*contents, error) {
	t, err := i.templates.X509(grant.Template)
	if err != nil {
		return nil, err
	}
	data := &template.X509Data{
		Subject: template.NewName(grant.Subject),
		SANs:    template.NewSANs(grant.SANs),
		Values:  grant.TemplateData,
		CR:      template.NewCertificateRequest(req.CSR),
		User:    req.UserData,
	}
	rendered, err := t.Render(data)
	if err != nil {
		return nil, templateError(err)
	}
	rendered.Subject.FillFrom(&i.cfg.Subject)
	tbs, err := rendered.X509()
	if err != nil {
		return nil, templateError(err)
	}
	c := &contents{tbs: tbs, pub: req.CSR.PublicKey}
	if isCA(tbs) && requestsCA(data.CR) {
		c.caFromRequest, err = dependsOnRequest(t, data)
	}
	return c, err
}

// dependsOnRequest finds out whether contents are those of a CA because the
// request asked for it (a template that copies the request) or because the
// template says so: it renders once more without the request's wish.
func dependsOnRequest(t *template.X509, data *template.X509Data) (bool, error) {
	plain := *data.CR
	plain.BasicConstraints = nil
	plain.Extensions = slices.DeleteFunc(slices.Clone(plain.Extensions), func(e template.Extension) bool {
		return asn1.ObjectIdentifier(e.ID).Equal(oidBasicConstraints)
	})
	without := *data
	without.CR = &plain
	rendered, err := t.Render(&without)
	if err != nil {
		return false, templateError(err)
	}
	tbs, err := rendered.X509()
	if err != nil {
		return false, templateError(err)
	}
	return !isCA(tbs), nil
}

func requestsCA(cr *template.CertificateRequest) bool {
	return cr.BasicConstraints != nil && cr.BasicConstraints.IsCA ||
		slices.ContainsFunc(cr.Extensions, func(e template.Extension) bool {
			return asn1.ObjectIdentifier(e.ID).Equal(oidBasicConstraints)
		})
}

// isCA reports whether the finished certificate will have basicConstraints with
// cA set, from a field or from a raw extension (which takes the field's place).
func isCA(tbs *x509.Certificate) bool {
	for _, ext := range tbs.ExtraExtensions {
		if ext.Id.Equal(oidBasicConstraints) {
			var value struct {
				IsCA       bool `asn1:"optional"`
				MaxPathLen int  `asn1:"optional,default:-1"`
			}
			_, err := asn1.Unmarshal(ext.Value, &value)
			return err != nil || value.IsCA // unreadable: assume the worst
		}
	}
	return tbs.IsCA
}

// templateError gives errors of templates the kind that requesters may see.
func templateError(err error) error {
	if fail, ok := errors.AsType[*template.FailError](err); ok {
		return &ca.Error{Kind: ca.ErrMalformed, Detail: fail.Message, Cause: err}
	}
	if output, ok := errors.AsType[*template.OutputError](err); ok {
		return &ca.Error{Detail: template.OutputErrorText, Cause: output}
	}
	return fmt.Errorf("template: %w", err)
}

// setProvisionerExtension writes the extension in the place of one that the
// template wrote, or at the end. Without one to write, the template's is removed:
// nobody but us says who vouched.
func setProvisionerExtension(tbs *x509.Certificate, ext *ca.ProvisionerExtension) error {
	isOurs := func(e pkix.Extension) bool { return e.Id.Equal(ca.OIDProvisioner) }
	if ext == nil {
		tbs.ExtraExtensions = slices.DeleteFunc(tbs.ExtraExtensions, isOurs)
		return nil
	}
	der, err := ext.Marshal()
	if err != nil {
		return fmt.Errorf("provisioner extension: %w", err)
	}
	ours := pkix.Extension{Id: ca.OIDProvisioner, Value: der}
	if at := slices.IndexFunc(tbs.ExtraExtensions, isOurs); at >= 0 {
		tbs.ExtraExtensions[at] = ours
		return nil
	}
	tbs.ExtraExtensions = append(tbs.ExtraExtensions, ours)
	return nil
}

// renderRenewal copies the certificate that is issued again: subject, key and
// every extension stay, byte for byte, but for the authority key identifier. A
// rekey brings another key, and so another subject key identifier.
func (i *Issuer) renderRenewal(req *ca.Request, grant *ca.Grant, authority *Authority) (*contents, error) {
	old := grant.Renew
	tbs := &x509.Certificate{
		SerialNumber:       ca.NewSerialNumber(),
		RawSubject:         old.RawSubject,
		Subject:            old.Subject,
		AuthorityKeyId:     authority.skid,
		SignatureAlgorithm: authority.sigAlg,
	}
	v := i.renewedValidity(ca.Validity{NotBefore: old.NotBefore, NotAfter: old.NotAfter}, authority.validity())
	tbs.NotBefore, tbs.NotAfter = v.NotBefore, v.NotAfter

	c := &contents{tbs: tbs, pub: old.PublicKey}
	if req.Operation == ca.RekeyX509 {
		c.pub = req.CSR.PublicKey
		id, err := SubjectKeyID(c.pub)
		if err != nil {
			return nil, err
		}
		tbs.SubjectKeyId = id
	}
	for _, ext := range old.Extensions {
		if ext.Id.Equal(oidAuthorityKeyID) || tbs.SubjectKeyId != nil && ext.Id.Equal(oidSubjectKeyID) {
			continue
		}
		tbs.ExtraExtensions = append(tbs.ExtraExtensions, ext)
	}
	if isCA(tbs) {
		return nil, ca.Hidden(ca.ErrUnauthorized, "a CA certificate is not renewed here")
	}
	return c, nil
}
