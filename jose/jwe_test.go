package jose

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
)

func TestEncryptJWK(t *testing.T) {
	t.Parallel()
	jwk, err := GenerateJWK()
	if err != nil {
		t.Fatal(err)
	}
	jwe, err := EncryptJWK(jwk, []byte("pässword"))
	if err != nil {
		t.Fatal(err)
	}
	compact, err := jwe.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	header, _, _ := strings.Cut(compact, ".")
	raw, err := decodeSegment(header)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(raw, &members); err != nil {
		t.Fatal(err)
	}
	salt, err := decodeSegment(members["p2s"].(string))
	if err != nil || len(salt) != 16 {
		t.Errorf("salt %x, %v", salt, err)
	}
	delete(members, "p2s")
	got, _ := json.Marshal(members)
	if want := `{"alg":"PBES2-HS256+A128KW","cty":"jwk+json","enc":"A256GCM","p2c":600000}`; string(got) != want {
		t.Errorf("header %s, want %s and a salt", got, want)
	}
	for form, text := range map[string]string{"compact": compact + "\n", "JSON": jwe.FullSerialize()} {
		opened, err := DecryptJWK(text, []byte("pässword"))
		if err != nil {
			t.Errorf("%s: %v", form, err)
			continue
		}
		if opened.KeyID != jwk.KeyID || opened.Use != "sig" || opened.Algorithm != ES256 || opened.IsPublic() {
			t.Errorf("%s: %s %s %s", form, opened.KeyID, opened.Use, opened.Algorithm)
		}
		_, err = DecryptJWK(text, []byte("wrong"))
		if !errors.Is(err, ErrInvalidPassword) || err.Error() != "failed to decrypt JWE: invalid password" {
			t.Errorf("%s with a wrong password: %v", form, err)
		}
	}
}

func TestDecryptBoundsWork(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]string{
		"many":     `{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2c":1000001,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"negative": `{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2c":-1,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"none":     `{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
	} {
		_, err := DecryptJWK(encoding.EncodeToString([]byte(header))+".AAAA.AAAA.AAAA.AAAA", []byte("x"))
		if err == nil || errors.Is(err, ErrInvalidPassword) || !strings.Contains(err.Error(), "iteration count") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEncryptForKey(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{ES256, RS256} {
		key, err := NewJWK(keys()[alg], JWKParams{Use: UseEncryption})
		if err != nil {
			t.Fatal(err)
		}
		jwe, err := Encrypt([]byte("x"), key, EncryptOptions{Encryption: "A128GCM"})
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := ParseJWE(jwe.FullSerialize())
		if err != nil {
			t.Fatal(err)
		}
		if parsed.Header.KeyID != key.KeyID {
			t.Errorf("kid %q, want %q", parsed.Header.KeyID, key.KeyID)
		}
		if got, err := Decrypt(parsed, key); err != nil || string(got) != "x" {
			t.Errorf("%s: %q, %v", key.Algorithm, got, err)
		}
		if _, err := DecryptWithPassword(parsed, []byte("x")); err == nil {
			t.Errorf("%s: a password opened it", key.Algorithm)
		}
	}
	secret := &JWK{Key: make([]byte, 32)}
	if _, err := Encrypt([]byte("x"), secret, EncryptOptions{}); err != nil {
		t.Errorf("A256GCMKW: %v", err)
	}
	ed := &JWK{Key: keys()[EdDSA]}
	if _, err := Encrypt([]byte("x"), ed, EncryptOptions{}); err == nil || !strings.Contains(err.Error(), "key Ed25519 cannot be used for encryption") {
		t.Errorf("Ed25519: %v", err)
	}
	if _, err := EncryptWithPassword(nil, []byte("x"), EncryptOptions{Algorithm: string(gojose.A128KW)}); err == nil {
		t.Error("A128KW took a password")
	}
}
