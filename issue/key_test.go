package issue_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"math"
	"math/big"
	"testing"
	"time"

	"stepca/issue"
)

// rsaKey has a modulus of so many bits.
func rsaKey(bits uint, e int) *rsa.PublicKey {
	n := new(big.Int).Lsh(big.NewInt(1), bits)
	return &rsa.PublicKey{N: n.Sub(n, big.NewInt(1)), E: e}
}

func TestCheckPublicKey(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		key any
		ok  bool
	}{
		"P-224":            {&ecdsa.PublicKey{Curve: elliptic.P224()}, false},
		"P-256":            {&ecdsa.PublicKey{Curve: elliptic.P256()}, true},
		"P-521":            {&ecdsa.PublicKey{Curve: elliptic.P521()}, true},
		"Ed25519":          {ed25519.PublicKey{}, true},
		"RSA 2047":         {rsaKey(2047, 65537), false},
		"RSA 2048":         {rsaKey(2048, 65537), true},
		"RSA 2048, e 3":    {rsaKey(2048, 3), true},
		"RSA 2048, e 1":    {rsaKey(2048, 1), false},
		"RSA 2048, e even": {rsaKey(2048, 65536), false},
		"RSA 2048, e 2^63": {rsaKey(2048, math.MaxInt), false},
		"RSA 16384":        {rsaKey(16384, 65537), true},
		"RSA 16385":        {rsaKey(16385, 65537), false},
		"no key":           {nil, false},
		"a secret":         {[]byte("x"), false},
	} {
		if err := issue.CheckPublicKey(tt.key); (err == nil) != tt.ok {
			t.Errorf("%s: %v, want it allowed: %v", name, err, tt.ok)
		}
	}
}

// A modulus that fills a request would take a processor for minutes.
func TestHugeKeyIsNotUsed(t *testing.T) {
	t.Parallel()
	start := time.Now()
	err := issue.CheckSelfSignature(&x509.CertificateRequest{
		SignatureAlgorithm: x509.SHA256WithRSA, PublicKey: rsaKey(4_000_000, 1<<31-1), Signature: make([]byte, 500_000),
	})
	if took := time.Since(start); err == nil || took > 20*time.Second {
		t.Errorf("CheckSelfSignature = %v after %v, want a refusal at once", err, took)
	}
}
