package authority

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepca/client"
	"stepca/config"
	"stepca/internal/catest"
)

func TestConfigCA(t *testing.T) {
	t.Parallel()
	ca, other := catest.Prepare(t, catest.Options{}), catest.Prepare(t, catest.Options{})
	roots := filepath.Join(t.TempDir(), "roots.crt")
	writeCertificates(t, roots, other.Root, ca.Root)
	cfg := ca.ReadConfig()
	cfg["root"] = roots
	cfg["dnsNames"] = []any{"fd00::1", "ca.local"}
	ca.WriteConfig(cfg)

	loaded, err := config.Load(ca.ConfigFile)
	if err != nil {
		t.Fatal(err)
	}
	got, err := newConfigCA(loaded)
	if err != nil {
		t.Fatal(err)
	}
	if want := "https://[fd00::1]"; got.Audience() != want {
		t.Errorf("Audience() = %s, want %s", got.Audience(), want)
	}
	if fp, err := got.RootFingerprint(context.Background()); err != nil || fp != client.Fingerprint(ca.Root) {
		t.Errorf("RootFingerprint() = %s, %v; want that of the root which issued the intermediate, %s", fp, err, client.Fingerprint(ca.Root))
	}
	if key, err := got.EncryptedKey(context.Background(), ca.Key.KeyID); err != nil || key == "" {
		t.Errorf("EncryptedKey = %q, %v", key, err)
	}
	if _, err := got.EncryptedKey(context.Background(), "nope"); err == nil || !strings.Contains(err.Error(), "no encrypted key for the key ID nope") {
		t.Errorf("EncryptedKey of an unknown key ID: error %v", err)
	}

	cfg["root"] = other.RootFile
	ca.WriteConfig(cfg)
	if loaded, err = config.Load(ca.ConfigFile); err != nil {
		t.Fatal(err)
	}
	if got, err = newConfigCA(loaded); err != nil {
		t.Fatal(err)
	}
	if fp, err := got.RootFingerprint(context.Background()); err == nil {
		t.Errorf("RootFingerprint() = %s for a CA whose root is missing", fp)
	}
}

func writeCertificates(t *testing.T, name string, certs ...*x509.Certificate) {
	t.Helper()
	var data []byte
	for _, crt := range certs {
		data = append(data, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: crt.Raw})...)
	}
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
