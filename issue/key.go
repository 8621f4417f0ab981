package issue

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"math"

	"stepca/ca"
)

// Bounds of RSA keys that are certified. Above the maximum a verification costs
// relying parties (and us) far more than it protects.
const (
	minRSABits = 2048
	maxRSABits = 16384
)

// CheckPublicKey refuses keys that are too weak to certify, and types that we
// do not certify. The texts are those that users of the reference know.
func CheckPublicKey(pub crypto.PublicKey) error {
	switch key := pub.(type) {
	case *rsa.PublicKey:
		bits := key.N.BitLen()
		switch {
		case bits < minRSABits:
			return ca.Errorf(ca.ErrForbidden, "certificate request RSA key must be at least %d bits (%d bytes)", minRSABits, minRSABits/8)
		case bits > maxRSABits:
			return ca.Errorf(ca.ErrForbidden, "certificate request RSA key must be at most %d bits", maxRSABits)
		case key.E < 3 || key.E%2 == 0 || key.E > math.MaxInt32: // crypto/rsa uses none above
			return ca.Errorf(ca.ErrForbidden, "certificate request RSA key has the unsafe public exponent %d", key.E)
		}
		return nil
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P224() {
			return ca.Errorf(ca.ErrForbidden, "certificate request EC key is on P-224; use P-256, P-384 or P-521")
		}
		return nil
	case ed25519.PublicKey:
		return nil
	}
	return ca.Errorf(ca.ErrMalformed, "certificate request key of type '%s' is not supported", fmt.Sprintf("%T", pub))
}

// CheckSelfSignature verifies that the signature of a request is by its own key.
// An RSA key beyond the bounds is refused unused: one verification with a modulus
// that fills a request's body would take minutes.
func CheckSelfSignature(csr *x509.CertificateRequest) error {
	if key, ok := csr.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > maxRSABits {
		return CheckPublicKey(key)
	}
	return csr.CheckSignature()
}
