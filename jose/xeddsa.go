package jose

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha512"
	"errors"

	"filippo.io/edwards25519"
	"filippo.io/edwards25519/field"
)

// verifyXEdDSA checks a signature by an X25519 key: the Ed25519 signature by the
// Edwards point that corresponds to the Montgomery coordinate, with sign bit 0.
func verifyXEdDSA(pub *ecdh.PublicKey, message, signature []byte) bool {
	if pub.Curve() != ecdh.X25519() || len(signature) != ed25519.SignatureSize {
		return false
	}
	u, err := new(field.Element).SetBytes(pub.Bytes())
	if err != nil {
		return false
	}
	one := new(field.Element).One()
	denominator := new(field.Element).Add(u, one)
	if denominator.Equal(new(field.Element).Zero()) == 1 {
		return false // the coordinate of no Edwards point
	}
	// y = (u - 1) / (u + 1)
	y := new(field.Element).Subtract(u, one)
	y.Multiply(y, denominator.Invert(denominator))
	return ed25519.Verify(y.Bytes(), message, signature)
}

// signXEdDSA signs message with an X25519 key.
func signXEdDSA(key *ecdh.PrivateKey, message []byte) ([]byte, error) {
	if key.Curve() != ecdh.X25519() {
		return nil, errors.New("only X25519 keys sign with XEdDSA")
	}
	a, err := new(edwards25519.Scalar).SetBytesWithClamping(key.Bytes())
	if err != nil {
		return nil, err
	}
	public := new(edwards25519.Point).ScalarBaseMult(a).Bytes()
	if public[31]&0x80 != 0 {
		a.Negate(a)
		public[31] &^= 0x80
	}

	var random [64]byte
	rand.Read(random[:])
	prefix := [32]byte{0xFE}
	for i := range prefix[1:] {
		prefix[1+i] = 0xFF
	}
	r, err := hashToScalar(prefix[:], a.Bytes(), message, random[:])
	if err != nil {
		return nil, err
	}
	commitment := new(edwards25519.Point).ScalarBaseMult(r).Bytes()
	h, err := hashToScalar(commitment, public, message)
	if err != nil {
		return nil, err
	}
	s := new(edwards25519.Scalar).MultiplyAdd(h, a, r)
	return append(commitment, s.Bytes()...), nil
}

// hashToScalar returns the SHA-512 of the parts modulo the group order.
func hashToScalar(parts ...[]byte) (*edwards25519.Scalar, error) {
	hash := sha512.New()
	for _, part := range parts {
		hash.Write(part)
	}
	return new(edwards25519.Scalar).SetUniformBytes(hash.Sum(nil))
}
