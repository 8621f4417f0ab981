package client

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"net/url"
	"strings"

	"stepca/ca"
)

// NewCSR returns a certificate request, signed with key, for the common name and
// the subject alternative names. Names of other types than DNS, IP, e-mail and
// URI are an error.
func NewCSR(key crypto.Signer, commonName string, names []ca.Identifier) (*x509.CertificateRequest, error) {
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: commonName}}
	for _, name := range names {
		if err := addName(template, name); err != nil {
			return nil, err
		}
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificateRequest(der)
}

func addName(csr *x509.CertificateRequest, name ca.Identifier) error {
	switch name.Type {
	case ca.DNS:
		csr.DNSNames = append(csr.DNSNames, name.Value)
	case ca.Email:
		csr.EmailAddresses = append(csr.EmailAddresses, name.Value)
	case ca.IP:
		ip := net.ParseIP(name.Value)
		if ip == nil {
			return fmt.Errorf("%q is not an IP address", name.Value)
		}
		csr.IPAddresses = append(csr.IPAddresses, ip)
	case ca.URI:
		u, err := url.Parse(name.Value)
		if err != nil {
			return fmt.Errorf("%q is not a URI", name.Value)
		}
		csr.URIs = append(csr.URIs, u)
	default:
		return fmt.Errorf("a certificate request cannot name %s", name)
	}
	return nil
}

// tokenCSR returns the request that a token is for.
func tokenCSR(key crypto.Signer, token *TokenClaims) (*x509.CertificateRequest, error) {
	sans := token.SANs
	if len(sans) == 0 {
		sans = []string{token.Subject}
	}
	names := ca.ParseSANs(sans)
	if token.Email != "" && !containsFold(sans, token.Email) {
		names = append(names, ca.Identifier{Type: ca.Email, Value: token.Email})
	}
	return NewCSR(key, token.Subject, names)
}

func containsFold(list []string, s string) bool {
	for _, v := range list {
		if strings.EqualFold(v, s) {
			return true
		}
	}
	return false
}
