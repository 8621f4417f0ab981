package soft_test

import (
	"os"
	"path/filepath"
	"testing"

	"stepca/keyfile"
	"stepca/kms"
	"stepca/kms/kmstest"
	"stepca/kms/soft"
)

var kinds = []keyfile.KeySpec{
	{Type: keyfile.EC, Curve: keyfile.P256},
	{Type: keyfile.EC, Curve: keyfile.P384},
	{Type: keyfile.EC, Curve: keyfile.P521},
	{Type: keyfile.OKP, Curve: keyfile.Ed25519},
	{Type: keyfile.RSA, Size: 2048},
}

func TestSuite(t *testing.T) {
	t.Parallel()
	harness := func(config kms.Config, kinds []keyfile.KeySpec) kmstest.Harness {
		dir := t.TempDir()
		return kmstest.Harness{
			Open: func(t *testing.T) kms.Engine {
				engine, err := kms.Registry{kms.Soft: soft.Open}.Open(t.Context(), config)
				if err != nil {
					t.Fatal(err)
				}
				return engine
			},
			Name: func(t *testing.T, word string) string {
				return "softkms:path=" + filepath.Join(dir, "secrets", word+" 100%25")
			},
			Kinds: kinds,
		}
	}
	t.Run("plain", func(t *testing.T) {
		t.Parallel()
		kmstest.Run(t, harness(kms.Config{}, kinds))
	})
	t.Run("encrypted", func(t *testing.T) {
		t.Parallel()
		password := keyfile.FixedPassword([]byte("secret"))
		kmstest.Run(t, harness(kms.Config{Password: password}, kinds[:1]))
	})
}

func TestNamesAndPasswords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "ca.key")
	key, err := keyfile.Generate(keyfile.KeySpec{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := keyfile.EncodePrivateKey(key, keyfile.PKCS8, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	pin := filepath.Join(dir, "pin")
	for name, data := range map[string][]byte{path: text, pin: []byte("secret\n")} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	known := keyfile.FixedPassword([]byte("secret"))
	wrong := keyfile.FixedPassword([]byte("wrong"))
	tests := map[string]struct {
		config kms.Config
		name   string
		ok     bool
	}{
		"plain path":                      {kms.Config{Password: known}, path, true},
		"opaque URI":                      {kms.Config{Password: known}, "softkms:" + path, true},
		"path attribute":                  {kms.Config{Password: known}, "SoftKMS:path=" + path, true},
		"no password":                     {kms.Config{}, path, false},
		"wrong password":                  {kms.Config{Password: wrong}, path, false},
		"password in the key's URI":       {kms.Config{Password: wrong}, "softkms:path=" + path + "?pin-value=secret", true},
		"password file in the key's URI":  {kms.Config{}, "softkms:path=" + path + "?pin-source=" + pin, true},
		"password in the manager's URI":   {kms.Config{URI: "softkms:pin-value=secret"}, path, true},
		"password file URL":               {kms.Config{URI: "softkms:?pin-source=file:" + pin}, path, true},
		"URI of another manager":          {kms.Config{Password: known}, "pkcs11:id=1", false},
		"URI without a path":              {kms.Config{Password: known}, "softkms:", false},
		"password file that is not there": {kms.Config{}, "softkms:path=" + path + "?pin-source=" + pin + "x", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engine, err := soft.Open(t.Context(), test.config)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := engine.Signer(t.Context(), test.name); (err == nil) != test.ok {
				t.Errorf("Signer(%q): %v, want success: %t", test.name, err, test.ok)
			}
		})
	}
}
