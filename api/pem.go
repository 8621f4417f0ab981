package api

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
)

// Labels of the PEM blocks that we write (RFC 7468 §5, §7).
const (
	pemCertificate        = "CERTIFICATE"
	pemCertificateRequest = "CERTIFICATE REQUEST"
)

// A CertPEM is a certificate that JSON holds as the text of one PEM block. A nil
// certificate is null.
type CertPEM struct{ *x509.Certificate }

// MarshalJSON implements json.Marshaler.
func (c CertPEM) MarshalJSON() ([]byte, error) {
	if c.Certificate == nil {
		return []byte("null"), nil
	}
	return marshalPEM(pemCertificate, c.Raw)
}

// UnmarshalJSON implements json.Unmarshaler; null and the empty string are nil.
func (c *CertPEM) UnmarshalJSON(data []byte) error {
	der, err := unmarshalPEM(data)
	if err != nil || der == nil {
		c.Certificate = nil
		return err
	}
	if c.Certificate, err = x509.ParseCertificate(der); err != nil {
		return fmt.Errorf("parsing certificate: %w", err)
	}
	return nil
}

// CertPEMs wraps each certificate.
func CertPEMs(certs []*x509.Certificate) []CertPEM {
	out := make([]CertPEM, len(certs))
	for i, c := range certs {
		out[i] = CertPEM{c}
	}
	return out
}

// Certificates unwraps each certificate and drops those that are nil.
func Certificates(certs []CertPEM) []*x509.Certificate {
	out := make([]*x509.Certificate, 0, len(certs))
	for _, c := range certs {
		if c.Certificate != nil {
			out = append(out, c.Certificate)
		}
	}
	return out
}

// A CSRPEM is a certification request (RFC 2986) that JSON holds as the text of
// one PEM block. A nil request is null. Its signature has not been checked.
type CSRPEM struct{ *x509.CertificateRequest }

// MarshalJSON implements json.Marshaler.
func (c CSRPEM) MarshalJSON() ([]byte, error) {
	if c.CertificateRequest == nil {
		return []byte("null"), nil
	}
	return marshalPEM(pemCertificateRequest, c.Raw)
}

// UnmarshalJSON implements json.Unmarshaler; null, the empty string and the
// string "null" are nil.
//
// Compatible: the label of the block is not looked at, because clients of the
// reference send several.
func (c *CSRPEM) UnmarshalJSON(data []byte) error {
	der, err := unmarshalPEM(data)
	if err != nil || der == nil {
		c.CertificateRequest = nil
		return err
	}
	if c.CertificateRequest, err = x509.ParseCertificateRequest(der); err != nil {
		return fmt.Errorf("parsing certificate request: %w", err)
	}
	return nil
}

func marshalPEM(label string, der []byte) ([]byte, error) {
	return json.Marshal(string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})))
}

// unmarshalPEM returns the contents of the first PEM block of a JSON string, nil
// if the string stands for nothing.
func unmarshalPEM(data []byte) ([]byte, error) {
	if bytes.Equal(data, []byte("null")) {
		return nil, nil
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, err
	}
	if s == "" || s == "null" {
		return nil, nil
	}
	block, _ := pem.Decode([]byte(s))
	if block == nil {
		return nil, errors.New("no PEM block in the string")
	}
	return block.Bytes, nil
}
