package server_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepca/internal/catest"
	"stepca/keyfile"
)

// TestIssuerPassword: a further issuer may have a key with a password of its own,
// whatever opens the others.
func TestIssuerPassword(t *testing.T) {
	t.Parallel()
	ca := catest.Prepare(t, catest.Options{Edit: func(cfg map[string]any) { cfg["password"] = "of the others" }})
	key, err := keyfile.LoadSigner(filepath.Join(ca.Dir, "intermediate_ca_key"), keyfile.Password{})
	if err != nil {
		t.Fatal(err)
	}
	for name, password := range map[string]string{"intermediate_ca_key": "of the others", "next_key": "of its own"} {
		text, err := keyfile.EncodePrivateKey(key, keyfile.PKCS8, []byte(password))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(ca.Dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open := func(password string) error {
		cfg := ca.ReadConfig()
		next := map[string]any{"name": "next", "crt": cfg["crt"], "key": filepath.Join(ca.Dir, "next_key")}
		if password != "" {
			next["password"] = password
		}
		cfg["issuers"] = []any{next}
		ca.WriteConfig(cfg)
		s, err := openOffline(ca)
		if err == nil {
			s.Close()
		}
		return err
	}
	if err := open("of its own"); err != nil {
		t.Errorf("with its password: %v", err)
	}
	for password, place := range map[string]string{"wrong": `of this issuer in `, "": `with --password-file, or as "password" in `} {
		err := open(password)
		if err == nil || !strings.HasPrefix(err.Error(), `issuer "next": key: `) || !strings.Contains(err.Error(), place+ca.ConfigFile) {
			t.Errorf("with the password %q: %v, want the issuer, the key and %q", password, err, place)
		}
	}
}

// TestRootOfAnotherCA: a chain that ends nowhere is told of at the start, since
// clients would only say that they trust nothing.
func TestRootOfAnotherCA(t *testing.T) {
	t.Parallel()
	ca, other := catest.Prepare(t, catest.Options{}), catest.Prepare(t, catest.Options{})
	const warning = "no client that trusts a root of this CA will trust what the issuer signs"
	for root, want := range map[string]bool{ca.RootFile: false, other.RootFile: true} {
		cfg := ca.ReadConfig()
		cfg["root"] = root
		ca.WriteConfig(cfg)
		var log bytes.Buffer
		s, err := openLogged(ca, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		if got := strings.Contains(log.String(), warning); got != want {
			t.Errorf("root %s: warning %t, want %t\n%s", root, got, want, &log)
		}
	}
}
