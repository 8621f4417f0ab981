package keyfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What ssh-keygen makes, we read, in each of its formats.
func TestReadsSSHKeygen(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"Ed25519":           {"-t", "ed25519", "-N", ""},
		"Ed25519 encrypted": {"-t", "ed25519", "-N", "secret"},
		"P-256":             {"-t", "ecdsa", "-b", "256", "-N", ""},
		"P-384 encrypted":   {"-t", "ecdsa", "-b", "384", "-N", "secret"},
		"P-521":             {"-t", "ecdsa", "-b", "521", "-N", ""},
		"RSA":               {"-t", "rsa", "-b", "2048", "-N", ""},
		"RSA encrypted GCM": {"-t", "rsa", "-b", "2048", "-N", "secret", "-Z", "aes256-cbc"},
		"PEM":               {"-t", "ecdsa", "-N", "", "-m", "PEM"},
		"PEM encrypted":     {"-t", "rsa", "-b", "2048", "-N", "secret", "-m", "PEM"},
		"PKCS #8":           {"-t", "ecdsa", "-N", "", "-m", "PKCS8"},
		"PKCS #8 encrypted": {"-t", "rsa", "-b", "2048", "-N", "secret", "-m", "PKCS8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "key")
			run(t, nil, "ssh-keygen", append(args, "-q", "-C", "a comment", "-f", file)...)
			pub, err := LoadPublicKey(file+".pub", Password{})
			if err != nil {
				t.Fatal(err)
			}
			key, err := LoadSigner(file, FixedPassword([]byte("secret")))
			if err != nil {
				t.Fatal(err)
			}
			samePublic(t, key.Public(), pub)
			if !strings.Contains(name, "encrypted") {
				return
			}
			for _, wrong := range []string{"wrong", ""} {
				if _, err := LoadSigner(file, FixedPassword([]byte(wrong))); !errors.Is(err, ErrPassword) {
					t.Errorf("with password %q: %v", wrong, err)
				}
			}
		})
	}
}

// What we write, ssh-keygen reads, and finds the same public key in it.
func TestSSHKeygenReadsOurs(t *testing.T) {
	t.Parallel()
	for kind, spec := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			key := generate(t, spec)
			want, err := EncodeAuthorizedKey(key.Public(), "")
			if err != nil {
				t.Fatal(err)
			}
			for _, password := range []string{"", "secret"} {
				var secret []byte
				if password != "" {
					secret = []byte(password)
				}
				text, err := EncodePrivateKey(key, OpenSSH, secret)
				if err != nil {
					t.Fatal(err)
				}
				file := filepath.Join(t.TempDir(), "key")
				if err := os.WriteFile(file, text, 0o600); err != nil {
					t.Fatal(err)
				}
				got := run(t, nil, "ssh-keygen", "-y", "-P", password, "-f", file)
				if strings.TrimSpace(string(got)) != strings.TrimSpace(string(want)) {
					t.Errorf("with password %q: ssh-keygen finds %s, want %s", password, got, want)
				}
			}
		})
	}
	if _, err := EncodePrivateKey(generate(t, KeySpec{}), OpenSSH, []byte{}); err == nil {
		t.Error("an OpenSSH key was encrypted with an empty password")
	}
}

func TestEncodeAuthorizedKeyComment(t *testing.T) {
	t.Parallel()
	key := generate(t, KeySpec{})
	line, err := EncodeAuthorizedKey(key.Public(), "a b")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(line), " a b\n") || strings.Count(string(line), "\n") != 1 {
		t.Errorf("line %q", line)
	}
	pub, err := ParsePublicKey("x", line, Password{})
	if err != nil {
		t.Fatal(err)
	}
	samePublic(t, pub, key.Public())
}
