package template

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"text/template"
)

// TextCSR is the text of the built-in template for certification requests.
const TextCSR = `{
	"subject": {{ toJson .Subject }},
	"sans": {{ toJson .SANs }}
}`

// CSR is a template for certification requests (PKCS #10), safe for concurrent
// use. The zero value is the built-in one, TextCSR.
type CSR struct {
	text *template.Template
}

// ParseCSR parses a custom template.
func ParseCSR(text string) (*CSR, error) {
	t, err := parseText("template", text, x509Funcs())
	if err != nil {
		return nil, err
	}
	return &CSR{text: t}, nil
}

// Render executes the template and decodes its output, with the errors of
// X509.Render.
func (t *CSR) Render(d *X509Data) (*CertificateRequest, error) {
	if t.text == nil {
		return &CertificateRequest{Subject: d.Subject, SANs: d.SANs}, nil
	}
	output, err := execute(t.text, d.variables())
	if err != nil {
		return nil, err
	}
	return ParseCertificateRequest(output)
}

// ParseCertificateRequest decodes the output of a CSR template. Its error is an
// *OutputError.
func ParseCertificateRequest(output []byte) (*CertificateRequest, error) {
	var cr CertificateRequest
	if err := decodeOutput(output, &cr); err != nil {
		return nil, err
	}
	return &cr, nil
}

// X509 returns the request for x509.CreateCertificateRequest. Usages and
// constraints become requested extensions, ahead of those of the template.
func (cr *CertificateRequest) X509() (*x509.CertificateRequest, error) {
	csr := &x509.CertificateRequest{
		RawSubject:         cr.RawSubject,
		SignatureAlgorithm: x509.SignatureAlgorithm(cr.SignatureAlgorithm),
	}
	var err error
	if csr.Subject, err = cr.Subject.PKIX(); err != nil {
		return nil, fmt.Errorf("subject: %w", err)
	}
	if err := cr.addUsages(csr); err != nil {
		return nil, err
	}
	if err := cr.setNames(csr); err != nil {
		return nil, err
	}
	csr.ExtraExtensions = appendExtensions(csr.ExtraExtensions, cr.Extensions)
	return csr, nil
}

// setNames goes the three ways of Certificate.setNames.
func (cr *CertificateRequest) setNames(csr *x509.CertificateRequest) error {
	if findExtension(cr.Extensions, oidSubjectAltName) != nil {
		return nil
	}
	for i := range cr.SANs {
		if !cr.SANs[i].isPlain() && !cr.SANs[i].isEmpty() {
			ext, err := encodeSANExtension(cr.DNSNames, cr.EmailAddresses, cr.IPAddresses, cr.URIs, cr.SANs)
			csr.ExtraExtensions = append(csr.ExtraExtensions, ext)
			return err
		}
	}
	csr.DNSNames = cr.DNSNames
	csr.EmailAddresses = cr.EmailAddresses
	csr.IPAddresses = cr.IPAddresses
	csr.URIs = cr.URIs
	return addPlainSANs(cr.SANs, &plainNames{&csr.DNSNames, &csr.EmailAddresses, &csr.IPAddresses, &csr.URIs})
}

// addUsages encodes the fields for which x509.CertificateRequest has none. An
// extension of the template with the same OID takes the field's place.
func (cr *CertificateRequest) addUsages(csr *x509.CertificateRequest) error {
	add := func(id asn1.ObjectIdentifier, critical bool, v any) error {
		if findExtension(cr.Extensions, id) != nil {
			return nil
		}
		der, err := asn1.Marshal(v)
		if err != nil {
			return fmt.Errorf("extension %v: %w", id, err)
		}
		csr.ExtraExtensions = append(csr.ExtraExtensions, pkix.Extension{Id: id, Critical: critical, Value: der})
		return nil
	}
	if b := cr.BasicConstraints; b != nil {
		if err := add(oidBasicConstraints, true, b.asn1()); err != nil {
			return err
		}
	}
	if len(cr.ExtKeyUsage)+len(cr.UnknownExtKeyUsage) > 0 {
		if err := add(oidExtKeyUsage, false, append(cr.ExtKeyUsage.oids(), cr.UnknownExtKeyUsage...)); err != nil {
			return err
		}
	}
	if cr.KeyUsage != 0 {
		return add(oidKeyUsage, true, cr.KeyUsage.bits())
	}
	return nil
}
