package keyfile

import (
	"crypto/x509"
	"encoding/pem"
)

// LoadCertificates reads the certificates of a file; see ParseCertificates.
func LoadCertificates(name string) ([]*x509.Certificate, error) {
	data, err := ReadFile(name)
	if err != nil {
		return nil, err
	}
	return ParseCertificates(name, data)
}

// ParseCertificates returns the certificates in data in their order, at least
// one: every certificate block of PEM text, or certificates one after another
// in DER. Text around PEM blocks and blocks of other kinds are passed over.
func ParseCertificates(name string, data []byte) ([]*x509.Certificate, error) {
	data = withoutBOM(data)
	if !isPEM(data) {
		certs, err := x509.ParseCertificates(data)
		if err != nil {
			return nil, parsingError(name, "error parsing certificate as DER format: %w", err)
		}
		if len(certs) == 0 {
			return nil, parsingError(name, "does not contain a valid PEM encoded certificate")
		}
		return certs, nil
	}
	all, err := blocks(name, data)
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	for _, block := range all {
		if !isCertificateBlock(block) {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, parsingError(name, "certificate %d: %w", len(certs)+1, err)
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, parsingError(name, "does not contain a valid PEM encoded certificate")
	}
	return certs, nil
}

// LoadCertificate reads the only certificate of a file; a bundle is an error.
func LoadCertificate(name string) (*x509.Certificate, error) {
	certs, err := LoadCertificates(name)
	if err != nil {
		return nil, err
	}
	if len(certs) > 1 {
		return nil, decodingError(name, "contains more than one PEM encoded block")
	}
	return certs[0], nil
}

// isCertificateBlock reports whether b is a certificate. Compatible: blocks
// with headers are not, whatever their label.
func isCertificateBlock(b *pem.Block) bool {
	return (b.Type == "CERTIFICATE" || b.Type == "X509 CERTIFICATE") && len(b.Headers) == 0
}

// EncodeCertificates returns certs as PEM, in the order given.
func EncodeCertificates(certs ...*x509.Certificate) []byte {
	var text []byte
	for _, cert := range certs {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
	}
	return text
}

// LoadCertificateRequest reads a PKCS #10 request; see ParseCertificateRequest.
func LoadCertificateRequest(name string) (*x509.CertificateRequest, error) {
	data, err := ReadFile(name)
	if err != nil {
		return nil, err
	}
	return ParseCertificateRequest(name, data)
}

// ParseCertificateRequest returns the first PKCS #10 request (RFC 2986) in data,
// under any PEM label that ends in CERTIFICATE REQUEST, or in DER. Its
// signature has not been checked.
func ParseCertificateRequest(name string, data []byte) (*x509.CertificateRequest, error) {
	data = withoutBOM(data)
	der := data
	if isPEM(data) {
		all, err := blocks(name, data)
		if err != nil {
			return nil, err
		}
		der = nil
		for _, block := range all {
			if isRequestBlock(block) {
				der = block.Bytes
				break
			}
		}
		if der == nil {
			return nil, decodingError(name, "contains an unexpected header '%s', not a certificate request", all[0].Type)
		}
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, parsingError(name, "%w", err)
	}
	return csr, nil
}

// EncodeCertificateRequest returns csr as PEM.
func EncodeCertificateRequest(csr *x509.CertificateRequest) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr.Raw})
}
