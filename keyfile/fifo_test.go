//go:build unix

package keyfile

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Keys, certificates and passwords come through a pipe as well, which can be
// read only once.
func TestPipes(t *testing.T) {
	t.Parallel()
	key := generate(t, KeySpec{})
	text, err := EncodePrivateKey(key, PKCS8, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	pipe := func(name string, data []byte) string {
		file := filepath.Join(t.TempDir(), name)
		if err := syscall.Mkfifo(file, 0o600); err != nil {
			t.Fatal(err)
		}
		go os.WriteFile(file, data, 0)
		return file
	}
	keyPipe, passwordPipe := pipe("key", text), pipe("password", []byte("secret\n"))
	got, err := LoadSigner(keyPipe, PasswordFile(passwordPipe))
	if err != nil {
		t.Fatal(err)
	}
	samePublic(t, got.Public(), key.Public())
}
