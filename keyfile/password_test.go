package keyfile

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestPasswordAttempts(t *testing.T) {
	t.Parallel()
	der, err := x509.MarshalPKCS8PrivateKey(generate(t, KeySpec{}))
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := encryptPKCS8(der, []byte("right"), 1)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: sealed})
	broken := errors.New("the terminal is gone")
	tests := []struct {
		name     string
		attempts int
		answers  []any // string or error
		asked    int
		want     error
	}{
		{"right at once", 0, []any{"right"}, 1, nil},
		{"one attempt unless told otherwise", 0, []any{"wrong", "right"}, 1, ErrPassword},
		{"third time right", TerminalAttempts, []any{"wrong", "", "right"}, 3, nil},
		{"three times wrong", TerminalAttempts, []any{"a", "b", "c", "right"}, 3, ErrPassword},
		{"nobody there", TerminalAttempts, []any{"a", broken, "right"}, 2, broken},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			pw := Password{Attempts: test.attempts, Ask: func(prompt string) ([]byte, error) {
				if prompt != "Please enter the password to decrypt ca.key" {
					t.Errorf("prompt %q", prompt)
				}
				asked++
				switch answer := test.answers[asked-1].(type) {
				case error:
					return nil, answer
				default:
					return []byte(answer.(string)), nil
				}
			}}
			if _, err := ParseSigner("ca.key", text, pw); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if asked != test.asked {
				t.Errorf("asked %d times, want %d", asked, test.asked)
			}
		})
	}
}

func TestPlainKeyAsksForNothing(t *testing.T) {
	t.Parallel()
	text, err := EncodePrivateKey(generate(t, KeySpec{}), Traditional, nil)
	if err != nil {
		t.Fatal(err)
	}
	pw := Password{Ask: func(string) ([]byte, error) { t.Error("asked"); return nil, nil }}
	if _, err := ParseSigner("ca.key", text, pw); err != nil {
		t.Error(err)
	}
}

func TestLoadPassword(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for text, want := range map[string]string{
		"secret": "secret", "secret\n": "secret", "secret\r\n\n": "secret", " a b \t": " a b", "": "", "\n": "", "ü\u00a0": "ü",
	} {
		file := filepath.Join(dir, "password")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := LoadPassword(file)
		if err != nil || string(got) != want || got == nil {
			t.Errorf("LoadPassword of %q = %q, %v, want %q", text, got, err, want)
		}
	}
	_, err := LoadPassword("nope")
	if err == nil || err.Error() != "error reading nope: open nope: no such file or directory" {
		t.Errorf("missing file: %v", err)
	}
}
