package jose

import (
	"encoding/json"
	"strings"
	"testing"
)

// The example of RFC 7638 §3.1.
func TestThumbprint(t *testing.T) {
	t.Parallel()
	jwk, err := ParseJWK([]byte(`{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Thumbprint(jwk)
	if want := "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"; err != nil || got != want {
		t.Errorf("Thumbprint = %q, %v, want %q", got, err, want)
	}
	for alg, key := range keys() {
		private, err := Thumbprint(key)
		if err != nil {
			t.Fatalf("%s: %v", alg, err)
		}
		if public, _ := Thumbprint(key.Public()); public != private {
			t.Errorf("%s: thumbprint %q of the private key, %q of the public key", alg, private, public)
		}
	}
	if _, err := Thumbprint([]byte("secret")); err == nil {
		t.Error("a secret has a thumbprint")
	}
}

func TestNewJWK(t *testing.T) {
	t.Parallel()
	tests := []struct {
		key     any
		params  JWKParams
		wantAlg string // or
		wantErr string
	}{
		{keys()[ES256], JWKParams{}, ES256, ""},
		{keys()[ES384], JWKParams{}, ES384, ""},
		{keys()[ES512], JWKParams{}, ES512, ""},
		{keys()[RS256], JWKParams{}, RS256, ""},
		{keys()[EdDSA], JWKParams{}, EdDSA, ""},
		{[]byte("0123456789abcdef"), JWKParams{}, HS256, ""},
		{keys()[RS256].Public(), JWKParams{Algorithm: PS384}, PS384, ""},
		{keys()[ES256], JWKParams{Use: UseEncryption}, "ECDH-ES", ""},
		{keys()[RS256], JWKParams{Use: UseEncryption}, "RSA-OAEP-256", ""},
		{keys()[ES256], JWKParams{Algorithm: RS256}, "", "alg 'RS256' is not compatible with kty 'EC' and crv 'P-256'"},
		{keys()[RS256], JWKParams{Algorithm: RS256, Use: UseEncryption}, "", "alg 'RS256' is not compatible with kty 'RSA'"},
		{keys()[EdDSA], JWKParams{Use: UseEncryption}, "", "key Ed25519 cannot be used for encryption"},
		{[]byte("x"), JWKParams{Algorithm: ES256}, "", "alg 'ES256' is not compatible with kty 'oct'"},
	}
	for _, test := range tests {
		jwk, err := NewJWK(test.key, test.params)
		if err != nil {
			if err.Error() != test.wantErr {
				t.Errorf("NewJWK(%T, %+v): %v, want %q", test.key, test.params, err, test.wantErr)
			}
			continue
		}
		if test.wantErr != "" || jwk.Algorithm != test.wantAlg {
			t.Errorf("NewJWK(%T, %+v) has alg %q, want %q %s", test.key, test.params, jwk.Algorithm, test.wantAlg, test.wantErr)
		}
		text, err := json.Marshal(jwk)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseJWK(text)
		if err != nil {
			t.Errorf("parsing %s: %v", text, err)
			continue
		}
		if text2, _ := json.Marshal(again); string(text2) != string(text) {
			t.Errorf("after parsing: %s, want %s", text2, text)
		}
	}
}

func TestParseJWKRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty":             ``,
		"not an object":     `[]`,
		"no kty":            `{}`,
		"point off curve":   `{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`,
		"kty twice":         `{"kty":"oct","kty":"oct","k":"AAAA"}`,
		"huge RSA modulus":  `{"kty":"RSA","e":"AQAB","n":"` + strings.Repeat("_", 4000) + `"}`,
		"larger than bound": `{"kty":"oct","k":"` + strings.Repeat("A", MaxKeySize) + `"}`,
	} {
		if jwk, err := ParseJWK([]byte(text)); err == nil {
			t.Errorf("%s: parsed as %+v", name, jwk)
		}
	}
}

func TestParseJWKSetLeavesOutUnknown(t *testing.T) {
	t.Parallel()
	set, err := ParseJWKSet([]byte(`{"keys":[{"kty":"future"},{"kty":"oct","kid":"a","k":"AAAA"},{"kty":"OKP","crv":"X448","x":"AA"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 1 || set.Keys[0].KeyID != "a" {
		t.Errorf("keys %+v, want one with kid a", set.Keys)
	}
}
