package jose

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
)

// keys returns a private key for each algorithm; they are made once.
var keys = sync.OnceValue(func() map[string]crypto.Signer {
	ec := func(c elliptic.Curve) crypto.Signer { k, _ := ecdsa.GenerateKey(c, rand.Reader); return k }
	r, _ := rsa.GenerateKey(rand.Reader, 2048)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	return map[string]crypto.Signer{
		ES256: ec(elliptic.P256()), ES384: ec(elliptic.P384()), ES512: ec(elliptic.P521()),
		RS256: r, RS384: r, RS512: r, PS256: r, PS384: r, PS512: r, EdDSA: ed,
	}
})

// What we sign, go-jose verifies, and the other way round.
func TestGoJOSEAgrees(t *testing.T) {
	t.Parallel()
	payload := []byte(`{"sub":"a"}`)
	for _, alg := range SignatureAlgorithms() {
		key := keys()[alg]
		ours, err := Sign(payload, key, SignOptions{Algorithm: alg, KeyID: "k"})
		if err != nil {
			t.Fatalf("%s: %v", alg, err)
		}
		allowed := []gojose.SignatureAlgorithm{gojose.SignatureAlgorithm(alg)}
		theirs, err := gojose.ParseSignedCompact(ours.Compact(), allowed)
		if err != nil {
			t.Fatalf("%s: %v", alg, err)
		}
		if got, err := theirs.Verify(key.Public()); err != nil || string(got) != string(payload) {
			t.Errorf("%s: go-jose verifies ours: %s, %v", alg, got, err)
		}

		signer, err := gojose.NewSigner(gojose.SigningKey{Algorithm: allowed[0], Key: key}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if theirs, err = signer.Sign(payload); err != nil {
			t.Fatal(err)
		}
		compact, _ := theirs.CompactSerialize()
		for form, text := range map[string]string{"compact": compact, "flattened": theirs.FullSerialize()} {
			parsed, err := Parse(text)
			if err != nil {
				t.Fatalf("%s, %s: %v", alg, form, err)
			}
			if got, err := parsed.Verify(key.Public()); err != nil || string(got) != string(payload) {
				t.Errorf("%s, %s: we verify go-jose's: %s, %v", alg, form, got, err)
			}
			if parsed.Compact() != compact {
				t.Errorf("%s, %s: Compact() = %s, want %s", alg, form, parsed.Compact(), compact)
			}
			again, err := json.Marshal(parsed)
			if err != nil {
				t.Fatal(err)
			}
			if re, err := ParseJSON(again); err != nil || re.Compact() != compact {
				t.Errorf("%s, %s: not the same after MarshalJSON: %v", alg, form, err)
			}
		}
	}
}

// No algorithm verifies with the key of another, and none without a signature.
func TestAlgorithmFollowsKey(t *testing.T) {
	t.Parallel()
	for _, alg := range SignatureAlgorithms() {
		for other, key := range keys() {
			jws, err := Sign([]byte("x"), keys()[alg], SignOptions{Algorithm: alg})
			if err != nil {
				t.Fatal(err)
			}
			_, err = jws.Verify(key.Public())
			if same := slices.Contains(algorithms(key.Public(), UseSignature), alg); same && err != nil || !same && !errors.Is(err, ErrAlgorithm) {
				t.Errorf("%s with the key of %s: %v", alg, other, err)
			}
			jwk := &JWK{Key: key.Public(), Algorithm: other}
			if _, err := jws.Verify(jwk); (err == nil) != (alg == other) {
				t.Errorf("%s with a JWK for %s: %v", alg, other, err)
			}
			jws.signature = nil
			if _, err := jws.Verify(key.Public()); err == nil {
				t.Errorf("%s verifies without a signature", alg)
			}
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	key := keys()[ES256]
	good, err := Sign([]byte(`{"sub":"a"}`), key, SignOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	parts := strings.Split(good.Compact(), ".")
	withHeader := func(header string) string { return b64([]byte(header)) + "." + parts[1] + "." + parts[2] }
	hmac, err := SignHMAC([]byte("x"), []byte("secret"), SignOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		"alg none":             b64([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		"alg missing":          withHeader(`{}`),
		"alg in capitals":      withHeader(`{"ALG":"ES256"}`),
		"alg twice":            withHeader(`{"alg":"none","alg":"ES256"}`),
		"HMAC":                 hmac.Compact(),
		"header not an object": withHeader(`[]`),
		"kid of a wrong type":  withHeader(`{"alg":"ES256","kid":7}`),
		"crit":                 withHeader(`{"alg":"ES256","crit":["b64"],"b64":false}`),
		"empty crit":           withHeader(`{"alg":"ES256","crit":[]}`),
		"private key in jwk":   withHeader(`{"alg":"ES256","jwk":{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}}`),
		"secret in jwk":        withHeader(`{"alg":"ES256","jwk":{"kty":"oct","k":"AAAA"}}`),
		"other header":         withHeader(`{"alg":"ES256","kid":"x"}`),
		"other payload":        parts[0] + "." + b64([]byte("other")) + "." + parts[2],
		"padded signature":     good.Compact() + "==",
		"line break":           parts[0] + "." + parts[1] + "\n." + parts[2],
		"stray bits":           strings.Join(parts[:2], ".") + "." + parts[2][:len(parts[2])-1] + string(parts[2][len(parts[2])-1]+1),
		"short signature":      strings.Join(parts[:2], ".") + "." + parts[2][:40],
		"two parts":            parts[0] + "." + parts[1],
		"four parts":           good.Compact() + ".",
		"no parts":             "",
		"unprotected alg":      `{"payload":"` + parts[1] + `","header":{"alg":"ES256"},"signature":"` + parts[2] + `"}`,
		"no payload":           `{"protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"two signatures":       `{"payload":"` + parts[1] + `","signatures":[{"protected":"` + parts[0] + `","signature":"` + parts[2] + `"},{"protected":"` + parts[0] + `","signature":"` + parts[2] + `"}]}`,
		"no signatures":        `{"payload":"` + parts[1] + `","signatures":[]}`,
		"both forms":           `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `","signatures":[{"protected":"` + parts[0] + `","signature":"` + parts[2] + `"}]}`,
	}
	for name, text := range tests {
		jws, err := Parse(text)
		if err != nil {
			continue
		}
		if _, err := jws.Verify(key.Public()); err == nil {
			t.Errorf("%s: accepted", name)
		}
		var claims Claims
		if err := jws.VerifiedClaims(key.Public(), &claims); err == nil || claims.Subject != "" {
			t.Errorf("%s: claims %+v, %v", name, claims, err)
		}
	}
	general := `{"payload":"` + parts[1] + `","signatures":[{"protected":"` + parts[0] + `","header":{"x":1},"signature":"` + parts[2] + `"}]}`
	jws, err := Parse(general)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jws.Verify(key.Public()); err != nil || !jws.HasUnprotectedHeader {
		t.Errorf("general form: %v, unprotected header %t", err, jws.HasUnprotectedHeader)
	}
}

func TestVerifyHMAC(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{HS256, HS384, HS512} {
		jws, err := SignHMAC([]byte("x"), []byte("secret"), SignOptions{Algorithm: alg})
		if err != nil {
			t.Fatal(err)
		}
		if payload, err := jws.VerifyHMAC([]byte("secret")); err != nil || string(payload) != "x" {
			t.Errorf("%s: %s, %v", alg, payload, err)
		}
		for _, wrong := range []string{"Secret", ""} {
			if _, err := jws.VerifyHMAC([]byte(wrong)); !errors.Is(err, ErrSignature) {
				t.Errorf("%s with secret %q: %v", alg, wrong, err)
			}
		}
		if _, err := jws.Verify([]byte("secret")); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("%s: Verify with a secret: %v", alg, err)
		}
	}
	asymmetric, err := Sign([]byte("x"), keys()[ES256], SignOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := asymmetric.VerifyHMAC([]byte("secret")); !errors.Is(err, ErrAlgorithm) {
		t.Errorf("VerifyHMAC of an ES256 token: %v", err)
	}
}

// Signatures without the zeros that start R or S are those of Apple's client.
func TestVerifyShort(t *testing.T) {
	t.Parallel()
	key := keys()[ES256]
	want := map[string]bool{"R": true, "S": true}
	for len(want) > 0 {
		jws, err := Sign([]byte("x"), key, SignOptions{})
		if err != nil {
			t.Fatal(err)
		}
		sig := jws.signature
		var short []byte
		switch {
		case sig[0] == 0 && sig[32] != 0:
			short = sig[1:]
			delete(want, "R")
		case sig[0] != 0 && sig[32] == 0:
			short = append(append([]byte{}, sig[:32]...), sig[33:]...)
			delete(want, "S")
		default:
			continue
		}
		jws.signature = short
		if _, err := jws.Verify(key.Public()); !errors.Is(err, ErrSignature) {
			t.Errorf("Verify of a short signature: %v", err)
		}
		if _, err := jws.VerifyShort(key.Public()); err != nil {
			t.Errorf("VerifyShort: %v", err)
		}
		other, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if _, err := jws.VerifyShort(other.Public()); err == nil {
			t.Error("VerifyShort with another key: accepted")
		}
	}
}

func TestXEdDSA(t *testing.T) {
	t.Parallel()
	for range 8 { // both signs of the Edwards point
		key, err := ecdh.X25519().GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		jws, err := Sign([]byte("x"), key, SignOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if jws.Header.Algorithm != XEdDSA {
			t.Errorf("alg %q", jws.Header.Algorithm)
		}
		if _, err := jws.Verify(key.PublicKey()); err != nil {
			t.Error(err)
		}
		jws.signed += "A"
		if _, err := jws.Verify(key.PublicKey()); !errors.Is(err, ErrSignature) {
			t.Errorf("other contents: %v", err)
		}
	}
}

// Digest names the contents, so a changed signature is no new token.
func TestDigestIgnoresSignature(t *testing.T) {
	t.Parallel()
	one, err := Sign([]byte("x"), keys()[ES256], SignOptions{})
	if err != nil {
		t.Fatal(err)
	}
	two, err := Sign([]byte("x"), keys()[ES256], SignOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if one.Compact() == two.Compact() || one.Digest() != two.Digest() {
		t.Error("two signatures over the same contents: want different tokens with one digest")
	}
}

func BenchmarkVerifyES256(b *testing.B) {
	key := keys()[ES256]
	token, err := SignClaims(Claims{Issuer: "jwk", Subject: "a.example", ID: strings.Repeat("0", 64)}, key, SignOptions{KeyID: strings.Repeat("k", 43)})
	if err != nil {
		b.Fatal(err)
	}
	pub := key.Public()
	b.Run("token", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var claims Claims
			jws, err := ParseCompact(token)
			if err == nil {
				err = jws.VerifiedClaims(pub, &claims)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("floor", func(b *testing.B) {
		digest := make([]byte, 32)
		sig, err := ecdsa.SignASN1(rand.Reader, key.(*ecdsa.PrivateKey), digest)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if !ecdsa.VerifyASN1(pub.(*ecdsa.PublicKey), digest, sig) {
				b.Fatal("does not verify")
			}
		}
	})
}
