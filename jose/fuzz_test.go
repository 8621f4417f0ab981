package jose

import (
	"bytes"
	"encoding/json"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
)

// FuzzJWS claims that nothing panics, that parsing and writing are stable, that
// go-jose accepts what we accept, and that only the seed's contents verify.
func FuzzJWS(f *testing.F) {
	key := keys()[ES256]
	jws, err := Sign([]byte(`{"sub":"a"}`), key, SignOptions{KeyID: "k", Header: map[string]any{"jwk": JWK{Key: key.Public()}, "nonce": "n"}})
	if err != nil {
		f.Fatal(err)
	}
	body, err := json.Marshal(jws)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(jws.Compact())
	f.Add(string(body))
	f.Add(`{"payload":"","signatures":[{"protected":"e30","signature":""}]}`)
	f.Add("e30..")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Parse(s)
		if err != nil {
			return
		}
		again, err := ParseCompact(got.Compact())
		if err != nil || again.Compact() != got.Compact() {
			t.Fatalf("%q is written as %q, which parses with %v", s, got.Compact(), err)
		}
		got.Header.Certificates()
		var claims Claims
		got.UnverifiedClaims(&claims)
		for _, k := range keys() {
			payload, err := got.Verify(k.Public())
			if err != nil {
				continue
			}
			if !bytes.Equal(payload, jws.UnverifiedPayload()) || got.Digest() != jws.Digest() {
				t.Fatalf("a forgery: %q", s)
			}
			theirs, err := gojose.ParseSignedCompact(got.Compact(), []gojose.SignatureAlgorithm{ES256})
			if err != nil {
				t.Fatalf("go-jose does not parse %q: %v", s, err)
			}
			if _, err := theirs.Verify(k.Public()); err != nil {
				t.Fatalf("go-jose does not verify %q: %v", s, err)
			}
		}
	})
}

// FuzzJWK claims that nothing panics and that parsing and writing are stable.
func FuzzJWK(f *testing.F) {
	for _, key := range keys() {
		for _, k := range []any{key, key.Public()} {
			jwk, err := NewJWK(k, JWKParams{})
			if err != nil {
				f.Fatal(err)
			}
			text, err := json.Marshal(jwk)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Add([]byte(`{"kty":"oct","k":"AAAA"}`))
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"AAAA"},{"kty":"x"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		ParseJWKSet(data)
		ParsePublicJWK(data)
		jwk, err := ParseJWK(data)
		if err != nil {
			return
		}
		text, err := json.Marshal(jwk)
		if err != nil {
			t.Fatalf("%q parses and cannot be written: %v", data, err)
		}
		again, err := ParseJWK(text)
		if err != nil {
			t.Fatalf("%q is written as %q, which does not parse: %v", data, text, err)
		}
		if text2, _ := json.Marshal(again); !bytes.Equal(text, text2) {
			t.Fatalf("%q is written as %q and then as %q", data, text, text2)
		}
	})
}

// FuzzJWE claims that nothing panics, and that no other message opens.
func FuzzJWE(f *testing.F) {
	jwe, err := encrypt([]byte("contents"), gojose.Recipient{Key: []byte("x"), PBES2Count: 1, PBES2Salt: make([]byte, 16)},
		EncryptOptions{Algorithm: string(gojose.PBES2_HS256_A128KW)})
	if err != nil {
		f.Fatal(err)
	}
	compact, err := jwe.CompactSerialize()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(compact)
	f.Add(jwe.FullSerialize())
	f.Fuzz(func(t *testing.T, s string) {
		jwe, err := ParseJWE(s)
		if err != nil {
			return
		}
		if count, ok := jwe.Header.ExtraHeaders["p2c"].(float64); ok && count > 1000 && count <= MaxIterations {
			t.Skip("allowed, but the fuzzer has no time for it")
		}
		if plaintext, err := DecryptWithPassword(jwe, []byte("x")); err == nil && string(plaintext) != "contents" {
			t.Fatalf("%q opens to %q", s, plaintext)
		}
		Decrypt(jwe, &JWK{Key: keys()[RS256]})
	})
}

// FuzzClaims claims that nothing panics and that parsing and writing are stable.
func FuzzClaims(f *testing.F) {
	f.Add([]byte(`{"iss":"i","sub":"s","aud":["a","b"],"exp":1.5,"nbf":-1,"iat":1e300,"jti":"j"}`))
	f.Add([]byte(`{"aud":"a","exp":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var claims, again Claims
		if Unmarshal(data, &claims) != nil {
			return
		}
		text, err := json.Marshal(claims)
		if err != nil {
			t.Fatalf("%q parses and cannot be written: %v", data, err)
		}
		if err := Unmarshal(text, &again); err != nil {
			t.Fatalf("%q is written as %q, which does not parse: %v", data, text, err)
		}
		if text2, _ := json.Marshal(again); !bytes.Equal(text, text2) {
			t.Fatalf("%q is written as %q and then as %q", data, text, text2)
		}
	})
}
