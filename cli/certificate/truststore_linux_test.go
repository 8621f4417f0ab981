package certificate

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stepca/keyfile"
)

// newAnchor writes a root certificate with the common name and serial number 7.
func newAnchor(t *testing.T, commonName string, isCA bool) string {
	t.Helper()
	key, err := keyfile.Generate(keyfile.KeySpec{})
	if err != nil {
		t.Fatal(err)
	}
	tbs := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: commonName, Organization: []string{"x"}},
		NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour), IsCA: isCA, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tbs, tbs, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "root.der")
	if err := os.WriteFile(file, der, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestLoadTrustAnchor(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ commonName, prefix, want string }{
		{"My Root", "", "My_Root_7"},
		{"", "", "Smallstep_Development_CA_7"},
		{"My Root", "p-", "p-7"},
		{"../../etc/passwd", "", "_.._etc_passwd_7"},
		{"-rf", "", "rf_7"},
	} {
		a, err := loadTrustAnchor(newAnchor(t, test.commonName, true), test.prefix)
		if err != nil || a.name != test.want {
			t.Errorf("name of %q with prefix %q = %v, %v, want %q", test.commonName, test.prefix, a, err, test.want)
		}
	}
	if _, err := loadTrustAnchor(newAnchor(t, "leaf", false), ""); err == nil || !strings.HasSuffix(err.Error(), "root.der is not a root CA") {
		t.Errorf("a certificate that is no root: %v", err)
	}
}

// A recorder remembers programs instead of running them.
type recorder struct {
	calls []string
	stdin []byte
	fail  error
}

func (r *recorder) run(_ context.Context, asRoot bool, stdin []byte, program string, args ...string) error {
	call := strings.Join(append([]string{program}, args...), " ")
	if asRoot {
		call = "root: " + call
	}
	r.calls = append(r.calls, call)
	r.stdin = append(r.stdin, stdin...)
	return r.fail
}

func TestSystemStore(t *testing.T) {
	t.Parallel()
	a, err := loadTrustAnchor(newAnchor(t, "My Root", true), "")
	if err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string][]string{
		"etc/pki/ca-trust/source/anchors":          {"tee DIR/My_Root_7.pem", "update-ca-trust extract"},
		"usr/local/share/ca-certificates":          {"tee DIR/My_Root_7.crt", "update-ca-certificates"},
		"usr/share/pki/trust/anchors":              {"tee DIR/My_Root_7.crt", "update-ca-certificates"},
		"etc/ca-certificates/trust-source/anchors": {"tee DIR/My_Root_7.crt", "trust extract-compat"},
	} {
		root := t.TempDir()
		full := filepath.Join(root, dir)
		if err := os.MkdirAll(full, 0o700); err != nil {
			t.Fatal(err)
		}
		for i := range want {
			want[i] = "root: " + strings.ReplaceAll(want[i], "DIR", full)
		}
		var r recorder
		s := &systemStore{root: root, run: r.run}
		if err := s.install(t.Context(), a); err != nil {
			t.Error(err)
		}
		if !slices.Equal(r.calls, want) {
			t.Errorf("%s: install ran %q, want %q", dir, r.calls, want)
		}
		if !bytes.Equal(r.stdin, keyfile.EncodeCertificates(a.cert)) {
			t.Errorf("%s: install wrote %q", dir, r.stdin)
		}
		want[0] = strings.Replace(want[0], "tee", "rm -f", 1)
		r = recorder{}
		if err := s.uninstall(t.Context(), a); err != nil || !slices.Equal(r.calls, want) {
			t.Errorf("%s: uninstall ran %q, %v, want %q", dir, r.calls, err, want)
		}
		r = recorder{fail: errors.New("no")}
		if err := s.install(t.Context(), a); err == nil || len(r.calls) != 1 {
			t.Errorf("%s: install went on after a failure: %q, %v", dir, r.calls, err)
		}
	}
	var r recorder
	if err := (&systemStore{root: t.TempDir(), run: r.run}).install(t.Context(), a); err == nil {
		t.Error("install on an unknown system succeeded")
	}
}

func TestJavaStore(t *testing.T) {
	t.Parallel()
	a, err := loadTrustAnchor(newAnchor(t, "My Root", true), "")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	var r recorder
	s := &javaStore{home: home, run: r.run}
	if err := s.install(t.Context(), a); err == nil {
		t.Error("install without a key store succeeded")
	}
	if err := (&javaStore{run: r.run}).install(t.Context(), a); err == nil || !strings.Contains(err.Error(), "JAVA_HOME") {
		t.Errorf("install without JAVA_HOME: %v", err)
	}
	keystore := filepath.Join(home, "lib", "security", "cacerts")
	if err := errors.Join(os.MkdirAll(filepath.Dir(keystore), 0o700), os.WriteFile(keystore, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.install(t.Context(), a), s.uninstall(t.Context(), a)); err != nil {
		t.Fatal(err)
	}
	tool := "root: " + filepath.Join(home, "bin", "keytool")
	end := " -alias My_Root_7 -keystore " + keystore + " -storepass changeit"
	want := []string{tool + " -importcert -noprompt -file " + a.file + end, tool + " -delete" + end}
	if !slices.Equal(r.calls, want) {
		t.Errorf("ran %q, want %q", r.calls, want)
	}
}

func TestFirefoxStore(t *testing.T) {
	t.Parallel()
	a, err := loadTrustAnchor(newAnchor(t, "My Root", true), "")
	if err != nil {
		t.Fatal(err)
	}
	var r recorder
	if err := (&firefoxStore{run: r.run}).install(t.Context(), a); err == nil {
		t.Error("install without a profile succeeded")
	}
	s := &firefoxStore{profiles: []string{"/a", "/b"}, run: r.run}
	if err := errors.Join(s.install(t.Context(), a), s.uninstall(t.Context(), a)); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"certutil -A -t C,, -n My_Root_7 -i " + a.file + " -d sql:/a", "certutil -A -t C,, -n My_Root_7 -i " + a.file + " -d sql:/b",
		"certutil -D -n My_Root_7 -d sql:/a", "certutil -D -n My_Root_7 -d sql:/b",
	}
	if !slices.Equal(r.calls, want) {
		t.Errorf("ran %q, want %q", r.calls, want)
	}
}
