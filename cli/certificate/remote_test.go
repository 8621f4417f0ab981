package certificate_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"stepca/ca"
	"stepca/cli"
	"stepca/cli/certificate"
	"stepca/cli/clitest"
	"stepca/keyfile"
)

func session() *clitest.Session {
	return &clitest.Session{Commands: []cli.Command{certificate.Command}}
}

// run runs a command that must succeed and returns its standard output.
func run(t *testing.T, s *clitest.Session, args ...string) string {
	t.Helper()
	r := s.Run(t, args...)
	if r.Code != 0 {
		t.Fatalf("step %s: exit code %d: %s", strings.Join(args, " "), r.Code, r.Stderr)
	}
	return r.Stdout
}

// fails runs a command that must fail with an error that has the text.
func fails(t *testing.T, s *clitest.Session, text string, args ...string) {
	t.Helper()
	r := s.Run(t, args...)
	if r.Code != 1 || !strings.Contains(r.Stderr, text) {
		t.Errorf("step %s: exit code %d, error %q, want 1 and %q", strings.Join(args, " "), r.Code, r.Stderr, text)
	}
}

func TestRemote(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are wanted
	srv.StartTLS()
	t.Cleanup(srv.Close)
	url := srv.URL + "/path/is/ignored"
	roots := filepath.Join(t.TempDir(), "roots.pem")
	cert := srv.Certificate()
	if err := os.WriteFile(roots, keyfile.EncodeCertificates(cert), 0o600); err != nil {
		t.Fatal(err)
	}
	s := session()
	want := ca.Fingerprint(cert) + "\n"
	if got := run(t, s, "certificate", "fingerprint", "--roots", roots, url); got != want {
		t.Errorf("fingerprint of a server = %q, want %q", got, want)
	}
	if got := run(t, s, "certificate", "fingerprint", "--roots", filepath.Dir(roots), url); got != want {
		t.Errorf("fingerprint of a server with a directory of roots = %q, want %q", got, want)
	}
	if got := run(t, s, "certificate", "fingerprint", "--insecure", url); got != want {
		t.Errorf("fingerprint of a server, not verified = %q, want %q", got, want)
	}
	fails(t, s, "failed to connect: ", "certificate", "fingerprint", url)
	fails(t, s, "failed to connect: ", "certificate", "fingerprint", "--roots", roots, "--servername", "other.example", url)
	run(t, s, "certificate", "verify", "--roots", roots, "--host", "example.com", url)
	fails(t, s, "failed to verify certificate: x509: ", "certificate", "verify", "--roots", roots, "--host", "other.org", url)
	if r := s.Run(t, "certificate", "needs-renewal", "--roots", roots, url); r.Code != 1 {
		t.Errorf("needs-renewal of a server: exit code %d (%s), want 1", r.Code, r.Stderr)
	}
}

// pki is a root with a leaf, and a server that says whether the leaf is revoked.
type pki struct {
	root, leaf     *x509.Certificate
	rootFile, file string
	crl, ocsp      func() ([]byte, error)
	url            string

	// setStatus makes the server answer with the status, as of age ago and for
	// so long since.
	setStatus func(status int, age, lifetime time.Duration)
}

func newPKI(t *testing.T) *pki {
	t.Helper()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	p := &pki{rootFile: at("root.crt"), file: at("leaf.crt")}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := map[string]func() ([]byte, error){"/crl": p.crl, "/ocsp": p.ocsp}[r.URL.Path]
		if answer == nil {
			http.NotFound(w, r)
			return
		}
		io.Copy(io.Discard, r.Body)
		b, err := answer()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Write(b)
	}))
	t.Cleanup(srv.Close)
	p.url = srv.URL
	s := session()
	tpl := `{"subject": {{ toJson .Subject }}, "sans": {{ toJson .SANs }}, "keyUsage": ["digitalSignature"],
		"ocspServer": ["` + p.url + `/ocsp"], "crlDistributionPoints": ["` + p.url + `/crl"]}`
	if err := os.WriteFile(at("leaf.tpl"), []byte(tpl), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, s, "certificate", "create", "root", p.rootFile, at("root.key"), "--profile", "root-ca", "--no-password", "--insecure")
	run(t, s, "certificate", "create", "leaf", p.file, at("leaf.key"), "--template", at("leaf.tpl"),
		"--ca", p.rootFile, "--ca-key", at("root.key"), "--no-password", "--insecure")
	var err error
	if p.root, err = keyfile.LoadCertificate(p.rootFile); err != nil {
		t.Fatal(err)
	}
	if p.leaf, err = keyfile.LoadCertificate(p.file); err != nil {
		t.Fatal(err)
	}
	key, err := keyfile.LoadSigner(at("root.key"), keyfile.Password{})
	if err != nil {
		t.Fatal(err)
	}
	p.crl = func() ([]byte, error) { return nil, os.ErrInvalid }
	p.ocsp = p.crl
	p.setStatus = func(status int, age, lifetime time.Duration) {
		update := time.Now().Add(-age)
		p.crl = func() ([]byte, error) {
			list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: update, NextUpdate: update.Add(lifetime)}
			if status == ocsp.Revoked {
				list.RevokedCertificateEntries = []x509.RevocationListEntry{{SerialNumber: p.leaf.SerialNumber, RevocationTime: update}}
			}
			return x509.CreateRevocationList(rand.Reader, list, p.root, key)
		}
		p.ocsp = func() ([]byte, error) {
			return ocsp.CreateResponse(p.root, p.root, ocsp.Response{
				Status: status, SerialNumber: p.leaf.SerialNumber, ThisUpdate: update, NextUpdate: update.Add(lifetime),
			}, key)
		}
	}
	return p
}

func TestVerifyRevocation(t *testing.T) {
	t.Parallel()
	p := newPKI(t)
	s := session()
	args := []string{"certificate", "verify", p.file, "--roots", p.rootFile}
	crl, status := append(args[:len(args):len(args)], "--verify-crl"), append(args[:len(args):len(args)], "--verify-ocsp")

	fails(t, s, "could not verify certificate against CRL distribution point(s): ", crl...)
	fails(t, s, "could not verify certificate against OCSP server(s): ", status...)

	p.setStatus(ocsp.Good, time.Minute, time.Hour)
	got := run(t, s, append(crl, "--verify-ocsp", "--verbose")...)
	want := "certificate validated against roots\n" +
		"certificate not revoked in CRL " + p.url + "/crl\n" +
		"certificate status is good according OCSP " + p.url + "/ocsp\n" +
		"certficiate is valid\n"
	if got != want {
		t.Errorf("verify --verbose printed %q, want %q", got, want)
	}
	if got := run(t, s, args...); got != "" {
		t.Errorf("verify printed %q, want nothing", got)
	}

	p.setStatus(ocsp.Good, 2*time.Hour, time.Hour)
	fails(t, s, "the list expired on ", crl...)
	fails(t, s, "the answer expired on ", status...)

	p.setStatus(ocsp.Revoked, time.Minute, time.Hour)
	fails(t, s, "certificate marked as revoked in CRL "+p.url+"/crl", crl...)
	fails(t, s, "certificate has been revoked according to OCSP "+p.url+"/ocsp", status...)
	p.setStatus(ocsp.Unknown, time.Minute, time.Hour)
	fails(t, s, "certificate status is unknown according to OCSP "+p.url+"/ocsp", status...)

	// A list that someone else signed is worth nothing, unless one says so.
	other := newPKI(t)
	other.setStatus(ocsp.Good, time.Minute, time.Hour)
	fails(t, s, "could not verify certificate against CRL", append(crl, "--crl-endpoint", other.url+"/crl")...)
	run(t, s, append(crl, "--crl-endpoint", other.url+"/crl", "--insecure")...)
	fails(t, s, "failure to load root certificate pool", "certificate", "verify", p.file, "--roots", p.file+".nope")
	fails(t, s, "failed to verify certificate: x509: ", "certificate", "verify", p.file, "--roots", other.rootFile)
}

func TestInspectIsPrintable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key, err := keyfile.Generate(keyfile.KeySpec{})
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject:  pkix.Name{CommonName: "a\x1b[2Jb\n        Issuer: CN=forged"},
		DNSNames: []string{"x\x07"},
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "evil.csr")
	if err := os.WriteFile(file, der, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, short := range []string{"--short=true", "--short=false"} {
		out := run(t, session(), "certificate", "inspect", short, file)
		if bytes.ContainsAny([]byte(out), "\x1b\x07") || strings.Contains(out, "\n        Issuer") {
			t.Errorf("inspect %s printed control characters: %q", short, out)
		}
	}
}

func TestCreateAsks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	crt, key := filepath.Join(dir, "x.crt"), filepath.Join(dir, "x.key")
	args := []string{"certificate", "create", "x", crt, key, "--profile", "root-ca"}

	s := session()
	s.Answers = []any{[]byte("secret")}
	run(t, s, args...)
	if _, err := keyfile.LoadSigner(key, keyfile.FixedPassword([]byte("secret"))); err != nil {
		t.Errorf("the key was not encrypted with the answer: %v", err)
	}
	s.Answers = []any{[]byte("")}
	fails(t, s, "the password must not be empty", append(args, "--force")...)
	s.Answers = []any{false}
	fails(t, s, "file exists", args...)
	s.Answers = []any{true, true, []byte("other")}
	run(t, s, args...)
	if _, err := keyfile.LoadSigner(key, keyfile.FixedPassword([]byte("other"))); err != nil {
		t.Errorf("the key was not overwritten: %v", err)
	}
}
