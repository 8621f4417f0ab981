package certificate

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepca/cli"
)

// A crlIssuer signs lists.
type crlIssuer struct {
	key *ecdsa.PrivateKey
	crt *x509.Certificate
}

func newCRLIssuer(t testing.TB, usage x509.KeyUsage, notAfter time.Time) *crlIssuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"},
		NotBefore: notAfter.AddDate(-1, 0, 0), NotAfter: notAfter,
		KeyUsage: usage, BasicConstraintsValid: true, IsCA: true,
	}
	return &crlIssuer{key, certify(t, tmpl, tmpl, &key.PublicKey, key)}
}

func certify(t testing.TB, tmpl, parent *x509.Certificate, pub, priv any) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, priv)
	if err != nil {
		t.Fatal(err)
	}
	crt, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return crt
}

func (i *crlIssuer) list(t testing.TB, thisUpdate, nextUpdate time.Time) *x509.RevocationList {
	t.Helper()
	signer := *i.crt
	signer.KeyUsage = x509.KeyUsageCRLSign // or crypto/x509 does not sign
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(7), ThisUpdate: thisUpdate, NextUpdate: nextUpdate,
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: big.NewInt(255), RevocationTime: thisUpdate, ReasonCode: 1}},
	}, &signer, i.key)
	if err != nil {
		t.Fatal(err)
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestJudge(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	hour := time.Hour
	issuer := newCRLIssuer(t, x509.KeyUsageCRLSign, now.AddDate(0, 1, 0))
	namesake := newCRLIssuer(t, x509.KeyUsageCRLSign, now.AddDate(0, 1, 0))
	unfit := newCRLIssuer(t, x509.KeyUsageCertSign, now.AddDate(0, 1, 0))
	expired := newCRLIssuer(t, x509.KeyUsageCRLSign, now.Add(-hour))
	for _, tt := range []struct {
		name   string
		list   *x509.RevocationList
		cas    []*x509.Certificate
		reason string
	}{
		{"valid", issuer.list(t, now.Add(-hour), now.Add(hour)), []*x509.Certificate{namesake.crt, issuer.crt}, ""},
		{"signed by a namesake", namesake.list(t, now.Add(-hour), now.Add(hour)), []*x509.Certificate{issuer.crt}, "Signature does not match"},
		{"signer may not sign lists", unfit.list(t, now.Add(-hour), now.Add(hour)), []*x509.Certificate{unfit.crt}, "Signature does not match"},
		{"expired", issuer.list(t, now.Add(-2*hour), now.Add(-hour)), []*x509.Certificate{issuer.crt}, "CRL has expired"},
		{"from the future", issuer.list(t, now.Add(hour), now.Add(2*hour)), []*x509.Certificate{issuer.crt}, "CRL is not valid yet"},
		{"signer expired", expired.list(t, now.Add(-2*hour), now.Add(hour)), []*x509.Certificate{expired.crt}, "CA certificate has expired"},
		{"nothing to check with", issuer.list(t, now.Add(-hour), now.Add(hour)), nil, "Signature not checked, there is no CA certificate"},
	} {
		if got := judge(tt.list, tt.cas, now); got.reason != tt.reason {
			t.Errorf("%s: reason %q, want %q", tt.name, got.reason, tt.reason)
		}
	}
}

// TestCRLFrom follows the URL in a certificate, whose chain has the signer.
func TestCRLFrom(t *testing.T) {
	t.Parallel()
	now := time.Now()
	issuer := newCRLIssuer(t, x509.KeyUsageCRLSign|x509.KeyUsageCertSign, now.AddDate(0, 1, 0))
	list := issuer.list(t, now.Add(-time.Hour), now.Add(time.Hour))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/crl" {
			http.NotFound(w, r)
			return
		}
		w.Write(list.Raw)
	}))
	defer server.Close()

	leaf := func(url string) string {
		crt := certify(t, &x509.Certificate{
			SerialNumber: big.NewInt(2), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), CRLDistributionPoints: []string{url},
		}, issuer.crt, &issuer.key.PublicKey, issuer.key)
		file := filepath.Join(t.TempDir(), "leaf.crt")
		var chain bytes.Buffer
		for _, c := range []*x509.Certificate{crt, issuer.crt} {
			pem.Encode(&chain, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
		}
		if err := os.WriteFile(file, chain.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for _, tt := range []struct {
		args           []string
		stdout, stderr string
	}{
		{[]string{"--from", leaf(server.URL + "/crl")}, "        Valid: true\n", ""},
		{[]string{"--insecure", server.URL + "/crl"}, "    Serial Number: 255 (0xff)\n", ""},
		{[]string{"--from", leaf(server.URL + "/elsewhere")}, "", "error downloading crl: the server answered 404 Not Found\n"},
	} {
		var stdout, stderr bytes.Buffer
		home := t.TempDir()
		env := &cli.Env{
			Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Now: time.Now,
			Getenv: func(name string) string { return map[string]string{"HOME": home}[name] },
		}
		code := cli.Run(context.Background(), env, append([]string{"crl", "inspect"}, tt.args...), CRLCommand)
		if !strings.Contains(stdout.String(), tt.stdout) || stderr.String() != tt.stderr || (code == 0) != (tt.stderr == "") {
			t.Errorf("crl inspect %q: exit code %d\n%s\n%s", tt.args, code, &stdout, &stderr)
		}
	}
}

// FuzzCRL shows whatever parses, without a panic and without control characters.
func FuzzCRL(f *testing.F) {
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	issuer := newCRLIssuer(f, x509.KeyUsageCRLSign, now.AddDate(0, 1, 0))
	f.Add(issuer.list(f, now, now.Add(time.Hour)).Raw)
	f.Add([]byte("\x30\x00"))
	f.Fuzz(func(t *testing.T, der []byte) {
		list, err := x509.ParseRevocationList(der)
		if err != nil {
			return
		}
		j := judge(list, []*x509.Certificate{issuer.crt}, now)
		for _, r := range string(j.text()) {
			if r < ' ' && r != '\n' {
				t.Errorf("control character %q in the text", r)
			}
		}
		if _, err := j.json(); err != nil {
			t.Errorf("json: %v", err)
		}
	})
}
