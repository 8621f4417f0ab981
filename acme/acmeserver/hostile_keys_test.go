package acmeserver_test

import (
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"math/big"
	"net/http"
	"testing"
	"time"
)

// rsaJWK is the JWK of a modulus of so many random bits, with a public exponent.
func rsaJWK(t *testing.T, bits int, e *big.Int) map[string]any {
	t.Helper()
	n := make([]byte, bits/8)
	if _, err := rand.Read(n); err != nil {
		t.Fatal(err)
	}
	n[0] |= 0x80
	n[len(n)-1] |= 1
	return map[string]any{"kty": "RSA", "n": b64(n), "e": b64(e.Bytes())}
}

func TestHostileKeys(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl := newClient(t, c)
	u := cl.base + "new-account"
	right := map[string]any{}
	if err := json.Unmarshal(encode(t, jwk(t, cl.key)), &right); err != nil {
		t.Fatal(err)
	}
	ec := func(change map[string]any) map[string]any {
		m := map[string]any{}
		for k, v := range right {
			m[k] = v
		}
		for k, v := range change {
			m[k] = v
		}
		return m
	}
	f4, zero := big.NewInt(65537), make([]byte, 32)
	beyond := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 64), f4)
	p := elliptic.P256().Params().P.FillBytes(make([]byte, 32))
	for name, tt := range map[string]struct {
		alg, typ string
		key      any
	}{
		"a point off the curve":     {"ES256", "badPublicKey", ec(map[string]any{"y": right["x"]})},
		"the point at infinity":     {"ES256", "badPublicKey", ec(map[string]any{"x": b64(zero), "y": b64(zero)})},
		"a coordinate beyond p":     {"ES256", "badPublicKey", ec(map[string]any{"x": b64(p)})},
		"a coordinate too long":     {"ES256", "badPublicKey", ec(map[string]any{"x": b64(append([]byte{0}, p...))})},
		"a coordinate missing":      {"ES256", "badPublicKey", map[string]any{"kty": "EC", "crv": "P-256", "x": right["x"]}},
		"another curve's name":      {"ES256", "badPublicKey", ec(map[string]any{"crv": "P-384"})},
		"a curve we do not have":    {"ES256", "badPublicKey", ec(map[string]any{"crv": "secp256k1"})},
		"P-224":                     {"ES256", "badPublicKey", ec(map[string]any{"crv": "P-224"})},
		"a private key":             {"ES256", "badPublicKey", ec(map[string]any{"d": right["x"]})},
		"a symmetric key":           {"ES256", "badPublicKey", map[string]any{"kty": "oct", "k": "AAAA"}},
		"X25519":                    {"EdDSA", "badPublicKey", map[string]any{"kty": "OKP", "crv": "X25519", "x": b64(zero)}},
		"Ed25519 too short":         {"EdDSA", "badPublicKey", map[string]any{"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}},
		"a type we do not have":     {"ES256", "badPublicKey", map[string]any{"kty": "DSA"}},
		"no type":                   {"ES256", "badPublicKey", map[string]any{}},
		"not an object":             {"ES256", "badPublicKey", "x"},
		"null":                      {"ES256", "badPublicKey", json.RawMessage("null")},
		"members twice":             {"ES256", "badPublicKey", json.RawMessage(`{"kty":"EC","kty":"RSA"}`)},
		"RSA of 512 bits":           {"RS256", "badPublicKey", rsaJWK(t, 512, f4)},
		"RSA of 2040 bits":          {"RS256", "badPublicKey", rsaJWK(t, 2040, f4)},
		"RSA of 16392 bits":         {"RS256", "badPublicKey", rsaJWK(t, 16392, f4)},
		"RSA of 300,000 bits":       {"RS256", "badPublicKey", rsaJWK(t, 300000, f4)},
		"RSA with exponent 0":       {"RS256", "badPublicKey", rsaJWK(t, 2048, new(big.Int))},
		"RSA with exponent 1":       {"RS256", "badPublicKey", rsaJWK(t, 2048, big.NewInt(1))},
		"RSA with an even exponent": {"RS256", "badPublicKey", rsaJWK(t, 2048, big.NewInt(65536))},
		"RSA with exponent 2^64+F4": {"RS256", "badPublicKey", rsaJWK(t, 2048, beyond)},
		"RSA with exponent 2^62+1":  {"RS256", "badPublicKey", rsaJWK(t, 2048, big.NewInt(1<<62+1))},
		"RSA of 16384 bits":         {"RS256", "malformed", rsaJWK(t, 16384, f4)}, // allowed, but nobody signed
		"RSA of 8192 bits":          {"PS512", "malformed", rsaJWK(t, 8192, f4)},
		"EC with RS256":             {"RS256", "badSignatureAlgorithm", right},
		"EC P-256 with ES384":       {"ES384", "badSignatureAlgorithm", right},
		"RSA with ES256":            {"ES256", "badSignatureAlgorithm", rsaJWK(t, 2048, f4)},
		"alg of the key another":    {"ES256", "badSignatureAlgorithm", ec(map[string]any{"alg": "ES384"})},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			cl := cl.in(t)
			h := cl.header(u, map[string]any{"jwk": tt.key, "alg": tt.alg})
			cl.raw(u, rawJWS(t, h, []byte("{}"), make([]byte, 64), nil)).problem(400, tt.typ)
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
	cl.raw(u, cl.signText(cl.headerText(u, map[string]any{"jwk": ec(map[string]any{"alg": "ES256", "use": "sig"})}), "{}", nil)).want(http.StatusCreated)
}

// The signatures of nobody: zeros, and those that verify with a broken ECDSA.
func TestHostileSignatures(t *testing.T) {
	t.Parallel()
	cl := newClient(t, newCA(t, new(validator), nil))
	u := cl.base + "new-account"
	n := elliptic.P256().Params().N.FillBytes(make([]byte, 32))
	for _, signature := range [][]byte{nil, make([]byte, 64), append(n, n...), make([]byte, 63), make([]byte, 62), make([]byte, 1), make([]byte, 50000)} {
		h := cl.header(u, map[string]any{"alg": "ES256"})
		cl.raw(u, rawJWS(t, h, []byte("{}"), signature, nil)).problem(400, "malformed")
	}
}
