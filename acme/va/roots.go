package va

import (
	"crypto/x509"
	_ "embed"
	"encoding/pem"
	"sync"
)

// The roots that vendors publish for their devices; what each file holds is
// pinned by fingerprint in the tests.
var (
	//go:embed roots/apple.pem
	applePEM []byte // Apple Enterprise Attestation Root CA

	//go:embed roots/yubico.pem
	yubicoPEM []byte // Yubico Attestation Root 1, Yubico PIV Root CA Serial 263751

	// Yubico Attestation Intermediate A 1 and B 1, Yubico PIV Attestation A 1, B 1 and
	// B2 1: what lies between Attestation Root 1 and the certificate in the slot F9 of
	// a YubiKey since firmware 5.7.4, of which the device has no copy.
	//go:embed roots/yubico-intermediates.pem
	yubicoIntermediatesPEM []byte

	//go:embed roots/google.pem
	googlePEM []byte // Google hardware attestation, RSA and EC

	appleRoots          = sync.OnceValue(func() []*x509.Certificate { return mustParse(applePEM) })
	yubicoRoots         = sync.OnceValue(func() []*x509.Certificate { return mustParse(yubicoPEM) })
	yubicoIntermediates = sync.OnceValue(func() []*x509.Certificate { return mustParse(yubicoIntermediatesPEM) })

	googleRoots = sync.OnceValue(func() []*x509.Certificate { return mustParse(googlePEM) })
)

// mustParse parses certificates that are part of the program.
func mustParse(data []byte) []*x509.Certificate {
	var roots []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		crt, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			panic("built-in attestation root: " + err.Error())
		}
		roots = append(roots, crt)
	}
	return roots
}

func pool(certs []*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range certs {
		p.AddCert(c)
	}
	return p
}
