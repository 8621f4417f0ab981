package keyfile

import (
	"crypto"
	"crypto/x509"
	"fmt"
)

// LoadPair reads a certificate chain, leaf first, and the leaf's private key,
// and checks that they belong together.
func LoadPair(certName, keyName string, pw Password) ([]*x509.Certificate, crypto.Signer, error) {
	chain, err := LoadCertificates(certName)
	if err != nil {
		return nil, nil, err
	}
	key, err := LoadSigner(keyName, pw)
	if err != nil {
		return nil, nil, err
	}
	if err := CheckPair(chain[0], key); err != nil {
		return nil, nil, fmt.Errorf("%s and %s do not belong together: %w", certName, keyName, err)
	}
	return chain, key, nil
}

// CheckPair returns nil if key is the private key of cert, or an ErrMismatch
// that says of which kind each of them is.
func CheckPair(cert *x509.Certificate, key crypto.Signer) error {
	if SamePublicKey(key.Public(), cert.PublicKey) {
		return nil
	}
	return fmt.Errorf("%w: the certificate of %q has a different public key (%s) from the private key (%s)",
		ErrMismatch, cert.Subject, Describe(cert.PublicKey), Describe(key.Public()))
}

// SamePublicKey reports whether two public keys are the same. A key of a type that
// cannot be compared is no other's.
func SamePublicKey(a, b crypto.PublicKey) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}
