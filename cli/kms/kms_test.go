package kms_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepca/cli"
	"stepca/cli/clitest"
	commands "stepca/cli/kms"
	"stepca/internal/tpmtest"
	"stepca/keyfile"
	"stepca/kms"
	"stepca/kms/soft"
	"stepca/kms/tpm"
)

// What needs no answers is in the scripts of cmd/step.

func newSession(t *testing.T) *clitest.Session {
	t.Helper()
	return &clitest.Session{
		Commands: []cli.Command{commands.Command},
		Environ:  map[string]string{"STEPPATH": t.TempDir(), "PATH": ""},
		KMS:      kms.Registry{kms.TPM: tpm.Open, kms.Soft: soft.Open},
	}
}

func succeed(t *testing.T, s *clitest.Session, args ...string) string {
	t.Helper()
	r := s.Run(t, args...)
	if r.Code != 0 {
		t.Fatalf("step %s: exit code %d\n%s", strings.Join(args, " "), r.Code, r.Stderr)
	}
	return r.Stdout
}

// keys are the URIs of the keys in the TPM.
func keys(t *testing.T, s *clitest.Session) string {
	t.Helper()
	var list struct {
		Keys []struct{ Name, PublicKey string }
	}
	if err := json.Unmarshal([]byte(succeed(t, s, "kms", "search", "tpmkms:", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, key := range list.Keys {
		if _, err := keyfile.ParsePublicKey(key.Name, []byte(key.PublicKey), keyfile.Password{}); err != nil {
			t.Error(err)
		}
		names = append(names, key.Name)
	}
	return strings.Join(names, " ")
}

func TestDelete(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	if got := keys(t, s); got != "" {
		t.Errorf("keys before there is one: %s", got)
	}
	const key = "tpmkms:name=web"
	succeed(t, s, "kms", "create", key, "--kms", "tpmkms:device="+tpmtest.New(t, false))
	for _, yes := range []bool{false, true} {
		s.Answers = []any{yes}
		succeed(t, s, "kms", "delete", key)
		want := key
		if yes {
			want = ""
		}
		if got := keys(t, s); got != want {
			t.Errorf("after the answer %t the keys are %q, want %q", yes, got, want)
		}
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	file := filepath.Join(t.TempDir(), "web.key")
	s.Answers = []any{[]byte("secret")}
	made := succeed(t, s, "kms", "create", "softkms:"+file)
	if _, err := keyfile.LoadSigner(file, keyfile.FixedPassword([]byte("secret"))); err != nil {
		t.Error(err)
	}
	s.Answers = []any{[]byte("secret")}
	if got := succeed(t, s, "kms", "key", "softkms:"+file); got != made {
		t.Errorf("step kms key printed\n%s, want\n%s", got, made)
	}
	s.Answers = nil
	for _, args := range [][]string{
		{"kms", "delete", "softkms:" + file, "--force"},
		{"kms", "search", "softkms:"},
	} {
		if r := s.Run(t, args...); r.Code != 1 || !strings.Contains(r.Stderr, "is not supported") {
			t.Errorf("step %s: exit code %d\n%s", strings.Join(args, " "), r.Code, r.Stderr)
		}
	}
}

// TestSignFormats signs with the kinds of keys that a TPM of the test does not
// have, and reads the formats that openssl does not.
func TestSignFormats(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	dir := t.TempDir()
	message := filepath.Join(dir, "message")
	if err := os.WriteFile(message, []byte("message"), 0o600); err != nil {
		t.Fatal(err)
	}
	signed := func(spec keyfile.KeySpec, args ...string) (crypto.PublicKey, string) {
		t.Helper()
		key, err := keyfile.Generate(spec)
		if err != nil {
			t.Fatal(err)
		}
		text, err := keyfile.EncodePrivateKey(key, keyfile.PKCS8, nil)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, spec.Type+spec.Curve)
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return key.Public(), strings.TrimSpace(succeed(t, s, append([]string{"kms", "sign", "softkms:" + file, "--in", message, "--verify"}, args...)...))
	}
	public, sig := signed(keyfile.KeySpec{Type: keyfile.OKP}, "--format", "hex")
	if raw, err := hex.DecodeString(sig); err != nil || !ed25519.Verify(public.(ed25519.PublicKey), []byte("message"), raw) {
		t.Errorf("Ed25519: %q, %v", sig, err)
	}
	public, sig = signed(keyfile.KeySpec{Type: keyfile.EC, Curve: keyfile.P384}, "--format", "jws")
	raw, err := base64.RawURLEncoding.DecodeString(sig)
	if err != nil || len(raw) != 96 {
		t.Fatalf("P-384: %d bytes, %v", len(raw), err)
	}
	digest := sha512.Sum384([]byte("message"))
	if !ecdsa.Verify(public.(*ecdsa.PublicKey), digest[:], new(big.Int).SetBytes(raw[:48]), new(big.Int).SetBytes(raw[48:])) {
		t.Error("P-384: the signature does not verify")
	}
	public, sig = signed(keyfile.KeySpec{Type: keyfile.RSA}, "--pss", "--salt-length", "20", "--alg", "SHA512")
	sum := sha512.Sum512([]byte("message"))
	if raw, err = base64.StdEncoding.DecodeString(sig); err != nil {
		t.Fatal(err)
	}
	if err := rsa.VerifyPSS(public.(*rsa.PublicKey), crypto.SHA512, sum[:], raw, &rsa.PSSOptions{SaltLength: 20}); err != nil {
		t.Errorf("RSA: %v", err)
	}
}
