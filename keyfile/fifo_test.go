//go:build unix

package keyfile

import (
	"fmt"
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

// What goes to a descriptor is added to the file behind it, as a shell's
// >> file and >(…) want it.
func TestWriteFileToDescriptor(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(file, []byte("one "), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := WriteFile(fmt.Sprintf("/dev/fd/%d", f.Fd()), []byte("two"), SecretPerm); err != nil {
		t.Fatal(err)
	}
	content(t, file, "one two", 0o600)
}
