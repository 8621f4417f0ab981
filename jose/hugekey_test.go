package jose

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"testing"
	"time"
)

// hugeKey has a modulus of so many bits, with which one verification takes seconds.
func hugeKey(bits uint) *rsa.PublicKey {
	n := new(big.Int).Lsh(big.NewInt(1), bits)
	return &rsa.PublicKey{N: n.Sub(n, big.NewInt(1)), E: 1<<31 - 1}
}

// Keys of strangers are not used if that would be work for minutes.
func TestHugeKeysAreNotUsed(t *testing.T) {
	t.Parallel()
	start := time.Now()
	huge := hugeKey(1_000_000)
	jws := &JWS{Header: Header{Algorithm: RS256}, signed: "a.b", signature: make([]byte, huge.Size())}
	if _, err := jws.Verify(huge); !errors.Is(err, ErrSignature) {
		t.Errorf("Verify = %v, want ErrSignature", err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	jwk, err := json.Marshal(map[string]string{"kty": "RSA", "n": encode(huge.N.Bytes()), "e": "AQAB"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParsePublicJWK(jwk); err == nil {
		t.Error("a JWK of a million bits was parsed")
	}
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, huge, signer)
	if err != nil {
		t.Fatal(err)
	}
	h := Header{X5C: []string{base64.StdEncoding.EncodeToString(der)}}
	if _, err := h.Certificates(); err == nil {
		t.Error("a chain with a key of a million bits was parsed")
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}

// Keys of 8192 bits are slow, and in use.
func TestLargeKeysAreUsed(t *testing.T) {
	t.Parallel()
	for bits, ok := range map[uint]bool{4096: true, 8192: true, 16384: true, 16400: false} {
		jwk, err := json.Marshal(map[string]string{"kty": "RSA", "n": base64.RawURLEncoding.EncodeToString(hugeKey(bits).N.Bytes()), "e": "AQAB"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParsePublicJWK(jwk); (err == nil) != ok {
			t.Errorf("JWK of %d bits: %v", bits, err)
		}
	}
}
