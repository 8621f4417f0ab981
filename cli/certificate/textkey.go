package certificate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
)

// describeKey names an algorithm and its size or curve: "ECDSA P-256", "RSA
// 2048", "Ed25519".
func describeKey(algorithm x509.PublicKeyAlgorithm, pub crypto.PublicKey) string {
	switch key := pub.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + key.Params().Name
	}
	return algorithm.String()
}

func (w *textWriter) publicKey(algorithm x509.PublicKeyAlgorithm, pub crypto.PublicKey, spki []byte) {
	w.line(8, "Subject Public Key Info:")
	w.line(12, "Public Key Algorithm: %s", algorithm)
	switch key := pub.(type) {
	case *rsa.PublicKey:
		w.line(16, "Public-Key: (%d bit)", key.N.BitLen())
		w.line(16, "Modulus:")
		modulus := key.N.Bytes()
		if modulus[0]&0x80 != 0 { // as in DER, where the number would be negative without
			modulus = append([]byte{0}, modulus...)
		}
		w.hexLines(20, 15, modulus)
		w.line(16, "Exponent: %d (%#x)", key.E, key.E)
	case *ecdsa.PublicKey:
		point, err := key.Bytes() // uncompressed: 4, X, Y
		if err != nil {
			return
		}
		size := (len(point) - 1) / 2
		w.line(16, "Public-Key: (%d bit)", key.Params().BitSize)
		w.line(16, "X:")
		w.hexLines(20, 15, point[1:1+size])
		w.line(16, "Y:")
		w.hexLines(20, 15, point[1+size:])
		w.line(16, "Curve: %s", key.Params().Name)
	case ed25519.PublicKey:
		w.line(16, "Public-Key: (%d bit)", len(key)*8)
		w.hexLines(20, 15, key)
	default:
		w.hexLines(16, 15, publicKeyBits(spki))
	}
}

// publicKeyBits is the subjectPublicKey of a SubjectPublicKeyInfo (RFC 5280
// §4.1), nil if it cannot be parsed.
func publicKeyBits(spki []byte) []byte {
	var info struct {
		Algorithm asn1.RawValue
		PublicKey asn1.BitString
	}
	if _, err := asn1.Unmarshal(spki, &info); err != nil {
		return nil
	}
	return info.PublicKey.Bytes
}
