package tpm_test

import (
	"testing"

	"stepca/internal/tpmtest"
	"stepca/keyfile"
	"stepca/kms"
	"stepca/kms/kmstest"
	"stepca/kms/tpm"
)

// open opens a TPM with the keys of a directory.
func open(t *testing.T, device, dir, attributes string) *tpm.Engine {
	t.Helper()
	engine, err := tpm.Open(t.Context(), kms.Config{Type: kms.TPM, URI: "tpmkms:device=" + device + attributes, StorageDirectory: dir})
	if err != nil {
		t.Fatal(err)
	}
	return engine.(*tpm.Engine)
}

func TestEngine(t *testing.T) {
	t.Parallel()
	device, dir := tpmtest.New(t, false), t.TempDir()
	kmstest.Run(t, kmstest.Harness{
		Open: func(t *testing.T) kms.Engine { return open(t, device, dir, "") },
		Name: func(t *testing.T, word string) string { return "tpmkms:name=" + word },
		Kinds: []keyfile.KeySpec{
			{}, {Type: keyfile.EC, Curve: keyfile.P384}, {Type: keyfile.RSA, Size: 2048},
		},
	})
}
