package keyfile

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// certify returns a self-signed certificate of key.
func certify(t *testing.T, name string, key crypto.Signer) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// inUTF16 returns text as PowerShell redirects it.
func inUTF16(text []byte) []byte {
	out := []byte{0xFF, 0xFE}
	for _, unit := range utf16.Encode([]rune(string(text))) {
		out = binary.LittleEndian.AppendUint16(out, unit)
	}
	return out
}

func TestParseCertificates(t *testing.T) {
	t.Parallel()
	key := generate(t, KeySpec{})
	a, b := certify(t, "a", key), certify(t, "b", key)
	one, both := EncodeCertificates(a), EncodeCertificates(a, b)
	private, err := EncodePrivateKey(key, Traditional, nil)
	if err != nil {
		t.Fatal(err)
	}
	middle := bytes.Index(both, []byte("\n")) + 30
	tests := map[string]struct {
		data []byte
		want string // common names, or
		err  string // the error
	}{
		"one":                              {one, "a", ""},
		"two in order":                     {both, "ab", ""},
		"DER":                              {a.Raw, "a", ""},
		"DER of two":                       {append(bytes.Clone(b.Raw), a.Raw...), "ba", ""},
		"text around":                      {append([]byte("Certificate:\n  Data\n"), append(both, "\n# end\n"...)...), "ab", ""},
		"key beside":                       {append(bytes.Clone(private), both...), "ab", ""},
		"CRLF":                             {bytes.ReplaceAll(both, []byte("\n"), []byte("\r\n")), "ab", ""},
		"UTF-8 with a mark":                {append([]byte("\xEF\xBB\xBF"), one...), "a", ""},
		"UTF-16":                           {inUTF16(one), "a", ""},
		"blocks without a newline between": {bytes.ReplaceAll(both, []byte("-----\n-----"), []byte("-----\n\n-----")), "ab", ""},

		"empty":               {nil, "", "error parsing x: does not contain a valid PEM encoded certificate"},
		"key only":            {private, "", "error parsing x: does not contain a valid PEM encoded certificate"},
		"neither PEM nor DER": {[]byte("hello"), "", "error parsing x: error parsing certificate as DER format: x509: malformed certificate"},
		"first damaged":       {append(bytes.Clone(both[:middle]), append([]byte("!!"), both[middle:]...)...), "", "error decoding x: PEM block 1 of 2 is cut short or damaged"},
		"second cut short":    {both[:len(both)-40], "", "error decoding x: PEM block 2 of 2 is cut short or damaged"},
		"not a certificate":   {bytes.ReplaceAll(private, []byte("EC PRIVATE KEY"), []byte("CERTIFICATE")), "", "error parsing x: certificate 1: x509: malformed tbs certificate"},
	}
	for name, test := range tests {
		certs, err := ParseCertificates("x", test.data)
		var got strings.Builder
		for _, cert := range certs {
			got.WriteString(cert.Subject.CommonName)
		}
		switch {
		case got.String() != test.want:
			t.Errorf("%s: certificates %q, %v, want %q", name, got.String(), err, test.want)
		case test.err != "" && (err == nil || err.Error() != test.err):
			t.Errorf("%s: %v, want %s", name, err, test.err)
		}
	}
}

func TestLoadPair(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key, other := generate(t, KeySpec{}), generate(t, KeySpec{Type: OKP})
	crt, keyFile, otherFile := filepath.Join(dir, "ca.crt"), filepath.Join(dir, "ca.key"), filepath.Join(dir, "other.key")
	for file, k := range map[string]crypto.Signer{keyFile: key, otherFile: other} {
		text, err := EncodePrivateKey(k, PKCS8, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(crt, EncodeCertificates(certify(t, "ca", key)), 0o600); err != nil {
		t.Fatal(err)
	}
	chain, signer, err := LoadPair(crt, keyFile, Password{})
	if err != nil || len(chain) != 1 {
		t.Fatalf("LoadPair: %d certificates, %v", len(chain), err)
	}
	samePublic(t, signer.Public(), key.Public())

	_, _, err = LoadPair(crt, otherFile, Password{})
	if !errors.Is(err, ErrMismatch) {
		t.Fatalf("LoadPair of strangers: %v", err)
	}
	for _, part := range []string{crt, otherFile, "CN=ca", "EC P-256", "OKP Ed25519"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not name %s", err, part)
		}
	}
}

func TestLoadCertificateRefusesBundle(t *testing.T) {
	t.Parallel()
	key := generate(t, KeySpec{})
	file := filepath.Join(t.TempDir(), "crt")
	for n, ok := range map[int]bool{1: true, 2: false} {
		certs := []*x509.Certificate{certify(t, "a", key), certify(t, "b", key)}[:n]
		if err := os.WriteFile(file, EncodeCertificates(certs...), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadCertificate(file); (err == nil) != ok {
			t.Errorf("LoadCertificate of %d: %v", n, err)
		}
	}
}
