package jose

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// Verify checks the signature and returns the payload. The key is an
// *ecdsa.PublicKey, *rsa.PublicKey, ed25519.PublicKey, X25519 *ecdh.PublicKey,
// or a JWK of one, whose alg, if it has one, must be that of the header.
// A private key stands for its public key. The errors are ErrAlgorithm,
// ErrCritical and ErrSignature.
func (j *JWS) Verify(key any) ([]byte, error) {
	return j.verify(key, j.signature)
}

// VerifiedClaims is Verify, and then decodes the claims into each value. Nothing
// is decoded if the signature is wrong.
func (j *JWS) VerifiedClaims(key any, values ...any) error {
	if _, err := j.Verify(key); err != nil {
		return err
	}
	return j.UnverifiedClaims(values...)
}

// VerifyShort is Verify for peers that drop the leading zero octet of R or S in
// ECDSA signatures, as Apple's ACME client does: a signature that is one octet
// short is also tried with a zero before R or S, one that is two octets short
// with both.
func (j *JWS) VerifyShort(key any) ([]byte, error) {
	payload, err := j.verify(key, j.signature)
	pub, isEC := publicOf(key).(*ecdsa.PublicKey)
	if err == nil || !isEC {
		return payload, err
	}
	size := coordinateSize(pub)
	switch sig := j.signature; len(sig) {
	case 2*size - 1:
		if payload, err = j.verify(key, slices.Concat([]byte{0}, sig)); err == nil {
			return payload, nil
		}
		return j.verify(key, slices.Concat(sig[:size], []byte{0}, sig[size:]))
	case 2*size - 2:
		return j.verify(key, slices.Concat([]byte{0}, sig[:size-1], []byte{0}, sig[size-1:]))
	default:
		return payload, err
	}
}

// VerifyHMAC checks a signature made with a shared secret (HS256, HS384, HS512)
// and returns the payload.
func (j *JWS) VerifyHMAC(secret []byte) ([]byte, error) {
	if err := j.checkHeader("", []string{HS256, HS384, HS512}); err != nil {
		return nil, err
	}
	if len(secret) == 0 {
		return nil, fmt.Errorf("%w: the secret is empty", ErrSignature)
	}
	mac := hmac.New(hashOf(j.Header.Algorithm).New, secret)
	mac.Write([]byte(j.signed))
	if !hmac.Equal(mac.Sum(nil), j.signature) {
		return nil, ErrSignature
	}
	return j.payload, nil
}

// checkHeader returns an error unless the header's algorithm is among allowed
// and equal to want, if that is not empty.
func (j *JWS) checkHeader(want string, allowed []string) error {
	alg := j.Header.Algorithm
	if !slices.Contains(allowed, alg) {
		return fmt.Errorf("%w: alg is %.20q, the key is for %s", ErrAlgorithm, alg, strings.Join(allowed, ", "))
	}
	if want != "" && want != alg {
		return fmt.Errorf("%w: alg is %.20q, the key's is %q", ErrAlgorithm, alg, want)
	}
	if j.Header.Critical != nil {
		return ErrCritical
	}
	return nil
}

func (j *JWS) verify(key any, signature []byte) ([]byte, error) {
	var want string
	switch k := key.(type) {
	case *JWK:
		want = k.Algorithm
	case JWK:
		want = k.Algorithm
	}
	pub := publicOf(key)
	if _, secret := pub.([]byte); secret {
		return nil, fmt.Errorf("%w: a symmetric key", ErrAlgorithm)
	}
	if err := j.checkHeader(want, algorithms(pub, UseSignature)); err != nil {
		return nil, err
	}
	if !verifySignature(pub, j.Header.Algorithm, []byte(j.signed), signature) {
		return nil, ErrSignature
	}
	return j.payload, nil
}

// verifySignature checks a signature by an algorithm that goes with the key.
func verifySignature(pub any, alg string, signed, signature []byte) bool {
	switch k := pub.(type) {
	case ed25519.PublicKey:
		return len(k) == ed25519.PublicKeySize && ed25519.Verify(k, signed, signature)
	case *ecdh.PublicKey:
		return verifyXEdDSA(k, signed, signature)
	}
	h := hashOf(alg)
	hash := h.New()
	hash.Write(signed)
	digest := hash.Sum(nil)
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		return verifyECDSA(k, digest, signature)
	case *rsa.PublicKey:
		if k.N.BitLen() > MaxRSABits {
			return false // a modulus as long as a request would take minutes
		}
		if strings.HasPrefix(alg, "PS") {
			return rsa.VerifyPSS(k, h, digest, signature, nil) == nil
		}
		return rsa.VerifyPKCS1v15(k, h, digest, signature) == nil
	default:
		return false
	}
}

// verifyECDSA checks R || S, each as long as a coordinate (RFC 7518 §3.4).
func verifyECDSA(pub *ecdsa.PublicKey, digest, signature []byte) bool {
	size := coordinateSize(pub)
	if len(signature) != 2*size {
		return false
	}
	var r, s big.Int
	return ecdsa.Verify(pub, digest, r.SetBytes(signature[:size]), s.SetBytes(signature[size:]))
}

// coordinateSize returns the length of a coordinate of the key's curve, in bytes.
func coordinateSize(pub *ecdsa.PublicKey) int { return (pub.Curve.Params().BitSize + 7) / 8 }

// hmacSum returns the HMAC of signed.
func hmacSum(h crypto.Hash, secret, signed []byte) []byte {
	mac := hmac.New(h.New, secret)
	mac.Write(signed)
	return mac.Sum(nil)
}
