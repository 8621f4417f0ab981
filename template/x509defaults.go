package template

import (
	"crypto/rsa"
	"crypto/x509"

	"stepca/ca"
)

// Texts of the built-in X.509 templates: what the compiled ones do, for people
// to read and start from.
const (
	TextX509Leaf = `{
	"subject": {{ toJson .Subject }},
	"sans": {{ toJson .SANs }},
{{- if typeIs "*rsa.PublicKey" .Insecure.CR.PublicKey }}
	"keyUsage": ["keyEncipherment", "digitalSignature"],
{{- else }}
	"keyUsage": ["digitalSignature"],
{{- end }}
	"extKeyUsage": ["serverAuth", "clientAuth"]
}`

	TextX509Admin = `{
	"subject": {{ toJson .Insecure.CR.Subject }},
	"dnsNames": {{ toJson .Insecure.CR.DNSNames }},
	"emailAddresses": {{ toJson .Insecure.CR.EmailAddresses }},
	"ipAddresses": {{ toJson .Insecure.CR.IPAddresses }},
	"uris": {{ toJson .Insecure.CR.URIs }},
{{- if typeIs "*rsa.PublicKey" .Insecure.CR.PublicKey }}
	"keyUsage": ["keyEncipherment", "digitalSignature"],
{{- else }}
	"keyUsage": ["digitalSignature"],
{{- end }}
	"extKeyUsage": ["serverAuth", "clientAuth"]
}`

	TextX509IID = `{
	"subject": {"commonName": {{ toJson .Insecure.CR.Subject.CommonName }}},
{{- if .SANs }}
	"sans": {{ toJson .SANs }},
{{- else }}
	"dnsNames": {{ toJson .Insecure.CR.DNSNames }},
	"emailAddresses": {{ toJson .Insecure.CR.EmailAddresses }},
	"ipAddresses": {{ toJson .Insecure.CR.IPAddresses }},
	"uris": {{ toJson .Insecure.CR.URIs }},
{{- end }}
{{- if typeIs "*rsa.PublicKey" .Insecure.CR.PublicKey }}
	"keyUsage": ["keyEncipherment", "digitalSignature"],
{{- else }}
	"keyUsage": ["digitalSignature"],
{{- end }}
	"extKeyUsage": ["serverAuth", "clientAuth"]
}`

	// Hardened: the reference lets RSA keys encipher keys, which is no use of a
	// client's key (RFC 5280 §4.2.1.12), so that lint rules refuse it.
	TextX509Attested = `{
	"subject": {{ toJson .Subject }},
	"sans": {{ toJson .SANs }},
	"keyUsage": ["digitalSignature"],
	"extKeyUsage": ["clientAuth"]
}`

	TextX509Intermediate = `{
	"subject": {{ toJson .Subject }},
	"keyUsage": ["certSign", "crlSign"],
	"basicConstraints": {"isCA": true, "maxPathLen": 0}
}`

	TextX509Root = `{
	"subject": {{ toJson .Subject }},
	"issuer": {{ toJson .Subject }},
	"keyUsage": ["certSign", "crlSign"],
	"basicConstraints": {"isCA": true, "maxPathLen": 1}
}`

	TextX509Copy = `{{ toJson .Insecure.CR }}`
)

// x509Defaults holds the built-in templates; it is never changed.
var x509Defaults = map[string]struct {
	text     string
	compiled func(*X509Data) *Certificate
}{
	ca.TemplateLeaf:     {TextX509Leaf, renderLeaf},
	ca.TemplateAdmin:    {TextX509Admin, renderAdmin},
	ca.TemplateIID:      {TextX509IID, renderIID},
	ca.TemplateAttested: {TextX509Attested, renderAttested},
	Intermediate:        {TextX509Intermediate, renderIntermediate},
	Root:                {TextX509Root, renderRoot},
	Copy:                {TextX509Copy, renderCopy},
}

func renderLeaf(d *X509Data) *Certificate {
	return &Certificate{
		Subject:     d.Subject,
		SANs:        d.SANs,
		KeyUsage:    leafKeyUsage(d.CR),
		ExtKeyUsage: ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

func renderAdmin(d *X509Data) *Certificate {
	c := &Certificate{
		Subject:     d.CR.Subject,
		KeyUsage:    leafKeyUsage(d.CR),
		ExtKeyUsage: ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	c.copyNames(d.CR)
	return c
}

func renderIID(d *X509Data) *Certificate {
	c := &Certificate{
		Subject:     Name{CommonName: d.CR.Subject.CommonName},
		KeyUsage:    leafKeyUsage(d.CR),
		ExtKeyUsage: ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if len(d.SANs) > 0 {
		c.SANs = d.SANs
	} else {
		c.copyNames(d.CR)
	}
	return c
}

func renderAttested(d *X509Data) *Certificate {
	return &Certificate{
		Subject:     d.Subject,
		SANs:        d.SANs,
		KeyUsage:    KeyUsage(x509.KeyUsageDigitalSignature),
		ExtKeyUsage: ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

func renderIntermediate(d *X509Data) *Certificate {
	return &Certificate{
		Subject:          d.Subject,
		KeyUsage:         KeyUsage(x509.KeyUsageCertSign | x509.KeyUsageCRLSign),
		BasicConstraints: &BasicConstraints{IsCA: true, MaxPathLen: 0},
	}
}

func renderRoot(d *X509Data) *Certificate {
	return &Certificate{
		Subject:          d.Subject,
		Issuer:           d.Subject,
		KeyUsage:         KeyUsage(x509.KeyUsageCertSign | x509.KeyUsageCRLSign),
		BasicConstraints: &BasicConstraints{IsCA: true, MaxPathLen: 1},
	}
}

// renderCopy writes all that the request asks for; whether that may be a CA
// certificate is for who signs to decide.
func renderCopy(d *X509Data) *Certificate {
	c := &Certificate{
		Version:            d.CR.Version,
		Subject:            d.CR.Subject,
		RawSubject:         d.CR.RawSubject,
		SANs:               d.CR.SANs,
		Extensions:         d.CR.Extensions,
		KeyUsage:           d.CR.KeyUsage,
		ExtKeyUsage:        d.CR.ExtKeyUsage,
		UnknownExtKeyUsage: d.CR.UnknownExtKeyUsage,
		BasicConstraints:   d.CR.BasicConstraints,
		SignatureAlgorithm: d.CR.SignatureAlgorithm,
	}
	c.copyNames(d.CR)
	return c
}

func (c *Certificate) copyNames(cr *CertificateRequest) {
	c.DNSNames = cr.DNSNames
	c.EmailAddresses = cr.EmailAddresses
	c.IPAddresses = cr.IPAddresses
	c.URIs = cr.URIs
}

// leafKeyUsage lets RSA keys also transport keys (RFC 5246 §7.4.2), which no
// other kind of key can.
func leafKeyUsage(cr *CertificateRequest) KeyUsage {
	if cr != nil {
		if _, ok := cr.PublicKey.(*rsa.PublicKey); ok {
			return KeyUsage(x509.KeyUsageKeyEncipherment | x509.KeyUsageDigitalSignature)
		}
	}
	return KeyUsage(x509.KeyUsageDigitalSignature)
}
