package api

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
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
	return appendPEM(nil, pemCertificate, c.Raw), nil
}

// UnmarshalText implements encoding.TextUnmarshaler, so that JSON strings are
// unquoted once; the empty string is nil, and null leaves c as it is.
func (c *CertPEM) UnmarshalText(text []byte) error {
	der, err := unmarshalPEM(text)
	if err != nil || der == nil {
		c.Certificate = nil
		return err
	}
	if c.Certificate, err = x509.ParseCertificate(der); err != nil {
		return fmt.Errorf("parsing certificate: %w", err)
	}
	return nil
}

// AppendCertificate appends the JSON form of CertPEM{crt} to dst, for those who
// put together an answer themselves.
func AppendCertificate(dst []byte, crt *x509.Certificate) []byte {
	return appendPEM(dst, pemCertificate, crt.Raw)
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
	return appendPEM(nil, pemCertificateRequest, c.Raw), nil
}

// UnmarshalText implements encoding.TextUnmarshaler; the empty string and the
// string "null" are nil, and null leaves c as it is.
//
// Compatible: the label of the block is not looked at, because clients of the
// reference send several.
func (c *CSRPEM) UnmarshalText(text []byte) error {
	der, err := unmarshalPEM(text)
	if err != nil || der == nil {
		c.CertificateRequest = nil
		return err
	}
	if c.CertificateRequest, err = x509.ParseCertificateRequest(der); err != nil {
		return fmt.Errorf("parsing certificate request: %w", err)
	}
	return nil
}

// pemLine is how many octets a line of PEM stands for: 64 characters of base64
// (RFC 7468 §2).
const pemLine = 48

// appendPEM appends the JSON string of one PEM block. Nothing in it has to be
// escaped but the ends of lines, which encoding/json would find out octet by
// octet.
func appendPEM(dst []byte, label string, der []byte) []byte {
	dst = slices.Grow(dst, len(der)*3/2+2*len(label)+64)
	dst = append(dst, `"-----BEGIN `...)
	dst = append(dst, label...)
	dst = append(dst, `-----\n`...)
	for line := range slices.Chunk(der, pemLine) {
		dst = base64.StdEncoding.AppendEncode(dst, line)
		dst = append(dst, `\n`...)
	}
	dst = append(dst, `-----END `...)
	dst = append(dst, label...)
	return append(dst, `-----\n"`...)
}

// unmarshalPEM returns the contents of the first PEM block of a text, nil if the
// text stands for nothing.
func unmarshalPEM(text []byte) ([]byte, error) {
	if len(text) == 0 || string(text) == "null" {
		return nil, nil
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no PEM block in the string")
	}
	return block.Bytes, nil
}
