package keyfile

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/nacl/secretbox"
	"golang.org/x/crypto/scrypt"
)

// ParsePublicKey finds the public key of whatever it is given.
func TestParsePublicKey(t *testing.T) {
	t.Parallel()
	key := generate(t, KeySpec{Type: RSA})
	cert := certify(t, "a", key)
	csrDER, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.ParseCertificateRequest(csrDER)
	if err != nil {
		t.Fatal(err)
	}
	pkix, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := x509.MarshalPKCS1PublicKey(key.Public().(*rsa.PublicKey))
	ssh, err := EncodeAuthorizedKey(key.Public(), "comment")
	if err != nil {
		t.Fatal(err)
	}
	private, err := EncodePrivateKey(key, PKCS8, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	public, err := EncodePublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"PKIX": public, "PKIX DER": pkix, "PKCS #1 DER": pkcs1,
		"PKCS #1":     pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1}),
		"certificate": EncodeCertificates(cert), "certificate DER": cert.Raw,
		"request": EncodeCertificateRequest(csr), "request DER": csrDER,
		"OpenSSH": ssh, "encrypted private key": private, "private key DER": x509.MarshalPKCS1PrivateKey(key.(*rsa.PrivateKey)),
	} {
		pub, err := ParsePublicKey("x", data, FixedPassword([]byte("secret")))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		samePublic(t, pub, key.Public())
	}
}

// The errors are those that scripts know.
func TestParseObjectErrors(t *testing.T) {
	t.Parallel()
	key := generate(t, KeySpec{})
	public, err := EncodePublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	private, err := EncodePrivateKey(key, Traditional, nil)
	if err != nil {
		t.Fatal(err)
	}
	unknown := pem.EncodeToMemory(&pem.Block{Type: "FOO", Bytes: []byte("x")})
	unknownKey := pem.EncodeToMemory(&pem.Block{Type: "FOO PRIVATE KEY", Bytes: []byte("x")})
	any, signer := "any", "signer"
	for _, test := range []struct{ reader, data, want string }{
		{any, "", "error decoding F: not a valid PEM encoded block"},
		{any, "hello", "error decoding F: not a valid PEM encoded block"},
		{any, string(public) + string(public), "error decoding F: contains more than one PEM encoded block"},
		{any, string(public) + " \n\n", ""},
		{any, string(unknown), "error decoding F: contains an unexpected header 'FOO'"},
		{any, string(unknownKey), "error decoding F: contains an unexpected header 'FOO PRIVATE KEY'"},
		{signer, string(public), "error decoding F: contains an unexpected header 'PUBLIC KEY', not a private key"},
		{signer, string(private) + string(private), "error decoding F: contains more than one PEM encoded block with a private key"},
		{signer, string(public) + string(private), ""},
		{signer, "", "error decoding F: not a valid PEM encoded block"},
		{signer, "0\x03abc", "error parsing F: not a private key in PKCS #8, SEC 1 or PKCS #1 form"},
	} {
		if test.reader == any {
			_, err = ParseObject("F", []byte(test.data), Password{})
		} else {
			_, err = ParseSigner("F", []byte(test.data), Password{})
		}
		if got := errorText(err); got != test.want {
			t.Errorf("%s of %.40q: %q, want %q", test.reader, test.data, got, test.want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A key in the form that cosign gives its keys.
func TestCosignKey(t *testing.T) {
	t.Parallel()
	key := generate(t, KeySpec{})
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	salt, nonce := make([]byte, 32), [24]byte{1}
	kek, err := scrypt.Key([]byte("secret"), salt, 1<<12, 8, 1, 32)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(n int) []byte {
		text, err := json.Marshal(map[string]any{
			"kdf":        map[string]any{"name": "scrypt", "params": map[string]int{"N": n, "r": 8, "p": 1}, "salt": salt},
			"cipher":     map[string]any{"name": "nacl/secretbox", "nonce": base64.StdEncoding.EncodeToString(nonce[:])},
			"ciphertext": secretbox.Seal(nil, der, &nonce, (*[32]byte)(kek)),
		})
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED COSIGN PRIVATE KEY", Bytes: text})
	}
	got, err := ParseSigner("cosign.key", encode(1<<12), FixedPassword([]byte("secret")))
	if err != nil {
		t.Fatal(err)
	}
	samePublic(t, got.Public(), key.Public())
	if _, err := ParseSigner("cosign.key", encode(1<<12), FixedPassword([]byte("wrong"))); !errors.Is(err, ErrPassword) {
		t.Errorf("wrong password: %v", err)
	}
	if _, err := ParseSigner("cosign.key", encode(1<<30), FixedPassword([]byte("secret"))); err == nil || !strings.Contains(err.Error(), "out of bounds") {
		t.Errorf("2^30 rounds: %v", err)
	}
}

func TestNebulaKeys(t *testing.T) {
	t.Parallel()
	for label, parse := range map[string]func(string, []byte, Password) (any, error){
		nebulaPrivateKey: func(n string, d []byte, p Password) (any, error) { return ParsePrivateKey(n, d, p) },
		nebulaPublicKey:  ParseObject,
	} {
		text := pem.EncodeToMemory(&pem.Block{Type: label, Bytes: append(make([]byte, 31), 9)})
		if _, err := parse("x", text, Password{}); err != nil {
			t.Errorf("%s: %v", label, err)
		}
		short := pem.EncodeToMemory(&pem.Block{Type: label, Bytes: make([]byte, 31)})
		if _, err := parse("x", short, Password{}); err == nil {
			t.Errorf("%s of 31 bytes: accepted", label)
		}
	}
}

func TestGenerateRefuses(t *testing.T) {
	t.Parallel()
	for _, spec := range []KeySpec{
		{Type: "ec"}, {Type: "oct"}, {Curve: "P-224"}, {Curve: "p-256"}, {Curve: Ed25519}, {Type: OKP, Curve: P256},
		{Size: 2048}, {Type: OKP, Size: 256}, {Type: RSA, Curve: P256}, {Type: RSA, Size: 1024}, {Type: RSA, Size: -1},
		{Type: RSA, Size: 1 << 20}, {Type: RSA, Size: 512, AllowWeak: true},
	} {
		if key, err := Generate(spec); err == nil {
			t.Errorf("Generate(%+v) = %s", spec, Describe(key.Public()))
		}
	}
	for kind, spec := range kinds {
		if got := Describe(generate(t, spec).Public()); !strings.HasSuffix(got, kind) {
			t.Errorf("Generate(%+v) = %s, want %s", spec, got, kind)
		}
	}
}

func TestFingerprintFormats(t *testing.T) {
	t.Parallel()
	sum := []byte{0x00, 0xfb, 0xef, 0xff}
	for name, want := range map[string]string{
		"hex": "00fbefff", " HEX ": "00fbefff", "base64": "APvv/w==", "base64-url": "APvv_w==", "base64url": "APvv_w==",
		"base64-raw": "APvv/w", "base64raw": "APvv/w", "base64-url-raw": "APvv_w", "base64urlraw": "APvv_w", "base64url-raw": "APvv_w",
		"emoji": "", "emojisum": "",
	} {
		format, err := ParseFingerprintFormat(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := format.Format(sum); format != Emoji && got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := Emoji.Format([]byte{0, 1, 255}); got != "👍🎱💤" {
		t.Errorf("emoji: %s", got)
	}
	table := map[string]bool{}
	for n := range 256 {
		table[Emoji.Format([]byte{byte(n)})] = true
	}
	if len(table) != 256 {
		t.Errorf("%d different symbols, want 256", len(table))
	}
	if _, err := ParseFingerprintFormat("x"); err == nil || err.Error() != "error parsing fingerprint format: 'x' is not a valid fingerprint format" {
		t.Errorf("unknown format: %v", err)
	}
}
