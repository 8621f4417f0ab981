package template

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"time"
)

// A Certificate is the decoded output of an X.509 template: what is to be
// certified, before the public key, the issuer and the validity are added. Its
// JSON form is the one templates write and webhooks read; members are matched
// without regard to case, unknown ones are ignored, and null is absent.
type Certificate struct {
	Version    int    `json:"version"` // ignored
	Subject    Name   `json:"subject"`
	RawSubject []byte `json:"rawSubject"` // DER; used verbatim instead of Subject
	Issuer     Name   `json:"issuer"`     // ignored; the issuer's own subject is used

	SerialNumber SerialNumber `json:"serialNumber"` // zero value: one is chosen at random

	DNSNames       Strings     `json:"dnsNames"`
	EmailAddresses Strings     `json:"emailAddresses"`
	IPAddresses    IPAddresses `json:"ipAddresses"`
	URIs           URIs        `json:"uris"`
	SANs           []SAN       `json:"sans"`

	NotBefore time.Time `json:"notBefore,omitzero"` // used if the request has no own
	NotAfter  time.Time `json:"notAfter,omitzero"`  // likewise

	Extensions            []Extension        `json:"extensions"`
	KeyUsage              KeyUsage           `json:"keyUsage"`
	ExtKeyUsage           ExtKeyUsage        `json:"extKeyUsage"`
	UnknownExtKeyUsage    OIDs               `json:"unknownExtKeyUsage"`
	SubjectKeyID          []byte             `json:"subjectKeyId"`
	AuthorityKeyID        []byte             `json:"authorityKeyId"` // ignored if the issuer has a key ID
	OCSPServer            Strings            `json:"ocspServer"`
	IssuingCertificateURL Strings            `json:"issuingCertificateURL"`
	CRLDistributionPoints Strings            `json:"crlDistributionPoints"`
	PolicyIdentifiers     OIDs               `json:"policyIdentifiers"`
	BasicConstraints      *BasicConstraints  `json:"basicConstraints"`
	NameConstraints       *NameConstraints   `json:"nameConstraints"`
	SignatureAlgorithm    SignatureAlgorithm `json:"signatureAlgorithm"`
}

// An Extension is copied verbatim to the certificate, behind the generated
// extensions; one with the OID of a generated extension takes its place. An
// Extension without an ID is dropped.
type Extension struct {
	ID       OID    `json:"id"`
	Critical bool   `json:"critical"`
	Value    []byte `json:"value"`
}

// ParseCertificate decodes the output of an X.509 template. Text after the first
// JSON value is ignored.
func ParseCertificate(output []byte) (*Certificate, error) {
	var c Certificate
	if err := decodeOutput(output, &c); err != nil {
		return nil, err
	}
	return &c, nil
}

// X509 returns the certificate for x509.CreateCertificate, which writes the
// extensions in the order that the reference has too. Public key, issuer and
// authority key ID are the caller's to add; a nil SerialNumber and zero times
// mean that the template left the choice to it.
func (c *Certificate) X509() (*x509.Certificate, error) {
	cert := &x509.Certificate{
		SerialNumber:          c.SerialNumber.Int,
		NotBefore:             c.NotBefore,
		NotAfter:              c.NotAfter,
		KeyUsage:              x509.KeyUsage(c.KeyUsage),
		ExtKeyUsage:           c.ExtKeyUsage,
		UnknownExtKeyUsage:    c.UnknownExtKeyUsage,
		SubjectKeyId:          c.SubjectKeyID,
		AuthorityKeyId:        c.AuthorityKeyID,
		OCSPServer:            c.OCSPServer,
		IssuingCertificateURL: c.IssuingCertificateURL,
		CRLDistributionPoints: c.CRLDistributionPoints,
		SignatureAlgorithm:    x509.SignatureAlgorithm(c.SignatureAlgorithm),
	}
	if err := c.setSubject(cert); err != nil {
		return nil, fmt.Errorf("subject: %w", err)
	}
	if err := c.setNames(cert); err != nil {
		return nil, err
	}
	if err := c.setPolicies(cert); err != nil {
		return nil, err
	}
	if c.BasicConstraints != nil {
		c.BasicConstraints.set(cert)
	}
	if c.NameConstraints != nil {
		c.NameConstraints.set(cert)
	}
	cert.ExtraExtensions = appendExtensions(cert.ExtraExtensions, c.Extensions)
	return cert, nil
}

// setSubject also parses a raw subject, so that whoever checks cert.Subject sees
// what will be signed.
func (c *Certificate) setSubject(cert *x509.Certificate) (err error) {
	if len(c.RawSubject) > 0 {
		cert.RawSubject = c.RawSubject
		cert.Subject, err = parseName(c.RawSubject)
		return err
	}
	cert.Subject, err = c.Subject.PKIX()
	return err
}

// hasEmptySubject reports whether the certificate will have no subject name, in
// which case its subject alternative name extension is critical (RFC 5280
// §4.2.1.6).
func hasEmptySubject(cert *x509.Certificate) bool {
	if len(cert.RawSubject) > 0 {
		return isEmptyNameDER(cert.RawSubject)
	}
	return len(cert.Subject.ToRDNSequence()) == 0
}

func (c *Certificate) setPolicies(cert *x509.Certificate) error {
	for _, id := range c.PolicyIdentifiers {
		oid, err := x509.ParseOID(id.String())
		if err != nil {
			return fmt.Errorf("policyIdentifiers: %w", err)
		}
		cert.Policies = append(cert.Policies, oid)
	}
	cert.PolicyIdentifiers = c.PolicyIdentifiers
	return nil
}

// findExtension returns the value of the first extension of that type, or nil.
func findExtension(list []Extension, id asn1.ObjectIdentifier) *Extension {
	for i := range list {
		if asn1.ObjectIdentifier(list[i].ID).Equal(id) {
			return &list[i]
		}
	}
	return nil
}

func appendExtensions(to []pkix.Extension, list []Extension) []pkix.Extension {
	for _, e := range list {
		if len(e.ID) > 0 {
			to = append(to, pkix.Extension{Id: asn1.ObjectIdentifier(e.ID), Critical: e.Critical, Value: e.Value})
		}
	}
	return to
}
