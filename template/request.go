package template

import (
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
)

// A CertificateRequest is what templates see of a CSR as .Insecure.CR, what a
// template for a CSR writes, and what webhooks are sent of a request. As JSON it
// is acceptable output of a certificate template.
type CertificateRequest struct {
	Version            int                `json:"version"`
	Subject            Name               `json:"subject"`
	RawSubject         []byte             `json:"rawSubject"`
	DNSNames           Strings            `json:"dnsNames"`
	EmailAddresses     Strings            `json:"emailAddresses"`
	IPAddresses        IPAddresses        `json:"ipAddresses"`
	URIs               URIs               `json:"uris"`
	SANs               []SAN              `json:"sans"` // empty for a CSR that was parsed
	Extensions         []Extension        `json:"extensions"`
	KeyUsage           KeyUsage           `json:"keyUsage"`
	ExtKeyUsage        ExtKeyUsage        `json:"extKeyUsage"`
	UnknownExtKeyUsage OIDs               `json:"unknownExtKeyUsage"`
	BasicConstraints   *BasicConstraints  `json:"basicConstraints"`
	SignatureAlgorithm SignatureAlgorithm `json:"signatureAlgorithm"` // empty for a CSR that was parsed

	PublicKey          crypto.PublicKey        `json:"-"`
	PublicKeyAlgorithm x509.PublicKeyAlgorithm `json:"-"`
	Signature          []byte                  `json:"-"`
}

// NewCertificateRequest returns the template view of a CSR. Requested key usages
// and basic constraints that cannot be parsed are left out, but stay among the
// extensions.
func NewCertificateRequest(csr *x509.CertificateRequest) *CertificateRequest {
	cr := &CertificateRequest{
		Version:            csr.Version,
		Subject:            NewName(csr.Subject),
		RawSubject:         csr.RawSubject,
		DNSNames:           csr.DNSNames,
		EmailAddresses:     csr.EmailAddresses,
		IPAddresses:        csr.IPAddresses,
		URIs:               csr.URIs,
		PublicKey:          csr.PublicKey,
		PublicKeyAlgorithm: csr.PublicKeyAlgorithm,
		Signature:          csr.Signature,
	}
	if len(csr.Extensions) == 0 {
		return cr
	}
	emptySubject := isEmptyNameDER(csr.RawSubject)
	cr.Extensions = make([]Extension, 0, len(csr.Extensions))
	for _, e := range csr.Extensions {
		ext := Extension{ID: OID(e.Id), Critical: e.Critical, Value: e.Value}
		if emptySubject && e.Id.Equal(oidSubjectAltName) {
			ext.Critical = true // RFC 5280 §4.2.1.6
		}
		cr.Extensions = append(cr.Extensions, ext)
		cr.readExtension(e.Id, e.Value)
	}
	return cr
}

var (
	oidKeyUsage         = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidExtKeyUsage      = asn1.ObjectIdentifier{2, 5, 29, 37}
	oidBasicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
)

// readExtension sets the field of an extension that has one.
func (cr *CertificateRequest) readExtension(id asn1.ObjectIdentifier, value []byte) {
	switch {
	case id.Equal(oidKeyUsage):
		if usage, err := parseKeyUsageDER(value); err == nil {
			cr.KeyUsage = usage
		}
	case id.Equal(oidExtKeyUsage):
		if known, unknown, err := parseExtKeyUsageDER(value); err == nil {
			cr.ExtKeyUsage, cr.UnknownExtKeyUsage = known, unknown
		}
	case id.Equal(oidBasicConstraints):
		if constraints, err := parseBasicConstraintsDER(value); err == nil {
			cr.BasicConstraints = constraints
		}
	}
}

// unmarshalAll is asn1.Unmarshal for a value that nothing may follow.
func unmarshalAll(der []byte, v any) error {
	rest, err := asn1.Unmarshal(der, v)
	if err == nil && len(rest) > 0 {
		err = errors.New("trailing data")
	}
	return err
}

func parseKeyUsageDER(der []byte) (KeyUsage, error) {
	var bits asn1.BitString
	if err := unmarshalAll(der, &bits); err != nil {
		return 0, err
	}
	var usage KeyUsage
	for i := range keyUsages {
		if bits.At(i) != 0 {
			usage |= 1 << i
		}
	}
	return usage, nil
}

func parseExtKeyUsageDER(der []byte) (known ExtKeyUsage, unknown OIDs, err error) {
	var ids []asn1.ObjectIdentifier
	if err := unmarshalAll(der, &ids); err != nil {
		return nil, nil, err
	}
	for _, id := range ids {
		if usage, ok := extKeyUsageOf(id); ok {
			known = append(known, usage)
		} else {
			unknown = append(unknown, id)
		}
	}
	return known, unknown, nil
}

func extKeyUsageOf(id asn1.ObjectIdentifier) (x509.ExtKeyUsage, bool) {
	for _, u := range extKeyUsages {
		if u.oid.Equal(id) {
			return u.usage, true
		}
	}
	return 0, false
}

func parseBasicConstraintsDER(der []byte) (*BasicConstraints, error) {
	var v basicConstraintsASN1
	if err := unmarshalAll(der, &v); err != nil {
		return nil, fmt.Errorf("basic constraints: %w", err)
	}
	return &BasicConstraints{IsCA: v.IsCA, MaxPathLen: v.MaxPathLen}, nil
}
