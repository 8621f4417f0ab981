package ca

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"stepca/keyfile"
)

// A certificate that cannot be written leaves the key as it was: the old one, or
// none.
func TestWritePairIsAllOrNothing(t *testing.T) {
	t.Parallel()
	key, err := keyfile.Generate(keyfile.KeySpec{})
	if err != nil {
		t.Fatal(err)
	}
	for name, old := range map[string][]byte{"new": nil, "existing": []byte("old")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			keyFile, crtFile := filepath.Join(dir, "key"), filepath.Join(dir, "crt")
			if old != nil {
				if err := os.WriteFile(keyFile, old, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.MkdirAll(filepath.Join(crtFile, "in the way"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := writePair(keyFile, key, crtFile, []byte("chain")); err == nil {
				t.Fatal("writing over a directory succeeded")
			}
			got, err := os.ReadFile(keyFile)
			if !bytes.Equal(got, old) || (old == nil) != os.IsNotExist(err) {
				t.Errorf("key file holds %q, %v; want %q", got, err, old)
			}
		})
	}
}
