package revocation_test

import (
	"bytes"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"stepca/kv/mem"
	"stepca/revocation"
)

// openssl runs the command and returns what it says, and whether it agreed.
func openssl(t *testing.T, args ...string) (string, bool) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput()
	return string(out), err == nil
}

func writePEM(t *testing.T, path, typ string, der []byte) string {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenSSLReadsTheList(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	for _, kind := range []string{"P-256", "RSA", "Ed25519"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			a := newAuthority(t, "default", kind)
			s := start(t, mem.New(), revocation.Config{Settings: revocation.Settings{Issuers: []revocation.Issuer{a.Issuer}, CRL: crlOn}})
			bad, good := a.leaf(t, big.NewInt(0xbad0)), a.leaf(t, big.NewInt(0x900d))
			revoke(t, s, bad.SerialNumber.String(), 4)
			c, _ := fetch(t, s, "")

			dir := t.TempDir()
			caFile := writePEM(t, filepath.Join(dir, "ca.pem"), "CERTIFICATE", a.Certificate.Raw)
			badFile := writePEM(t, filepath.Join(dir, "bad.pem"), "CERTIFICATE", bad.Raw)
			goodFile := writePEM(t, filepath.Join(dir, "good.pem"), "CERTIFICATE", good.Raw)
			var text bytes.Buffer
			if err := c.WritePEM(&text); err != nil {
				t.Fatal(err)
			}
			crlFile := filepath.Join(dir, "crl.pem")
			if err := os.WriteFile(crlFile, text.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}

			if out, ok := openssl(t, "crl", "-in", crlFile, "-CAfile", caFile, "-verify", "-noout"); !ok || !strings.Contains(out, "verify OK") {
				t.Errorf("openssl crl -verify: %s", out)
			}
			out, _ := openssl(t, "crl", "-in", crlFile, "-text", "-noout")
			for _, want := range []string{"Version 2", "Superseded", "BAD0", "X509v3 Issuing Distribution Point: critical", "URI:https://ca.example/1.0/crl", "X509v3 CRL Number"} {
				if !strings.Contains(out, want) {
					t.Errorf("openssl crl -text lacks %q:\n%s", want, out)
				}
			}
			if out, ok := openssl(t, "verify", "-crl_check", "-CAfile", caFile, "-CRLfile", crlFile, goodFile); !ok {
				t.Errorf("a good certificate is refused: %s", out)
			}
			if out, ok := openssl(t, "verify", "-crl_check", "-CAfile", caFile, "-CRLfile", crlFile, badFile); ok || !strings.Contains(out, "certificate revoked") {
				t.Errorf("a revoked certificate: %s", out)
			}
		})
	}
}
