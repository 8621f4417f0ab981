package ca_test

import (
	"crypto/x509"
	"os"
	"strings"
	"testing"
	"time"

	"stepca/cli"
	"stepca/cli/ca"
	"stepca/cli/clitest"
	"stepca/internal/acmetest"
	"stepca/internal/catest"
)

// newPebble returns an ACME server that is not ours, and a user who trusts it.
func newPebble(t *testing.T, requireEAB bool) (*acmetest.Pebble, *clitest.Session) {
	t.Helper()
	p := acmetest.NewPebble(t, requireEAB)
	return p, &clitest.Session{Commands: []cli.Command{ca.Command}, Environ: map[string]string{"STEPPATH": p.File("step")}}
}

// must fails the test if a command did.
func must(t *testing.T, r clitest.Result) clitest.Result {
	t.Helper()
	if r.Code != 0 {
		t.Fatalf("exit code %d, stderr:\n%s", r.Code, r.Stderr)
	}
	return r
}

func TestPebbleChallenges(t *testing.T) {
	t.Parallel()
	p, session := newPebble(t, false)
	hook := p.File("hook.sh")
	if err := os.WriteFile(hook, []byte(hookScript(p.DNS.Dir)), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		args []string
		dns  string
	}{
		"standalone": {[]string{"a.example", "--san", "b.example", "--san", "127.0.0.1", "--http-listen", p.HTTP}, "a.example b.example 127.0.0.1"},
		"tls-alpn":   {[]string{"c.example", "--tls-alpn", "--tls-listen", p.TLS, "--kty", "RSA"}, "c.example"},
		"dns":        {[]string{"*.d.example", "--san", "d.example", "--dns-hook", "sh " + hook}, "x.d.example d.example"},
	} {
		crt := p.File(name + ".crt")
		args := append([]string{"ca", "certificate", tt.args[0], crt, p.File(name + ".key"), "--acme", p.Directory, "--root", p.RootFile}, tt.args[1:]...)
		r := must(t, session.Run(t, args...))
		if name == "standalone" && r.Stdout != "" {
			t.Errorf("stdout: %q", r.Stdout)
		}
		p.Leaf(t, crt, strings.Fields(tt.dns)...)
	}
}

// A certificate of a foreign server is renewed with nothing but its files, when
// the server suggests it; and revoked by the account, or by its key.
func TestPebbleRenewAndRevoke(t *testing.T) {
	t.Parallel()
	p, session := newPebble(t, false)
	crt, key := p.File("a.crt"), p.File("a.key")
	var first *x509.Certificate
	// Pebble does not find the order of a certificate whose serial number begins with
	// a zero octet in DER, as one in 256 does.
	for first == nil || first.SerialNumber.BitLen()%8 == 0 {
		must(t, session.Run(t, "ca", "certificate", "--force", "a.example", crt, key, "--acme", p.Directory, "--root", p.RootFile, "--http-listen", p.HTTP, "--acme-profile", "shortlived"))
		first = p.Leaf(t, crt, "a.example")
	}

	// A CA is in use as well, and its root in the settings.
	other := catest.New(t, catest.Options{})
	session.Environ["STEP_CA_URL"], session.Environ["STEP_ROOT"] = other.URL, other.RootFile
	if r := must(t, session.Run(t, "ca", "renew", "--force", "--if-due", crt, key)); !strings.Contains(r.Stderr, "certificate not renewed: expires in ") {
		t.Errorf("a new certificate is due; stderr:\n%s", r.Stderr)
	}
	past := time.Now().Add(-time.Hour).UTC()
	p.Suggest(t, crt, `{"suggestedWindow": {"start": "`+past.Add(-time.Hour).Format(time.RFC3339)+`", "end": "`+past.Format(time.RFC3339)+`"}, "explanationURL": "https://ca.example/incident"}`)
	r := must(t, session.Run(t, "ca", "renew", "--force", "--if-due", crt, key))
	if !strings.Contains(r.Stderr, "https://ca.example/incident") || !strings.Contains(r.Stderr, "Your certificate has been saved in ") {
		t.Errorf("stderr:\n%s", r.Stderr)
	}
	second := p.Leaf(t, crt, "a.example")
	for _, leaf := range []*x509.Certificate{first, second} {
		if got := leaf.NotAfter.Sub(leaf.NotBefore).Round(time.Hour); got != acmetest.ShortLived {
			t.Errorf("lifetime %v, want that of the profile, %v", got, acmetest.ShortLived)
		}
	}
	if first.SerialNumber.Cmp(second.SerialNumber) == 0 || !strings.Contains(p.Log(), "is a replacement of") {
		t.Error("the certificate was not replaced")
	}

	must(t, session.Run(t, "ca", "rekey", "--force", crt, key))
	third := p.Leaf(t, crt, "a.example")
	if string(second.RawSubjectPublicKeyInfo) == string(third.RawSubjectPublicKeyInfo) {
		t.Error("the key was not replaced")
	}

	r = must(t, session.Run(t, "ca", "revoke", "--cert", crt, "--reasonCode", "superseded"))
	if want := "Certificate with Serial Number " + third.SerialNumber.String() + " has been revoked."; !strings.Contains(r.Stderr, want) || p.Status(t, third) != "Revoked" {
		t.Errorf("status %s, stderr:\n%s", p.Status(t, third), r.Stderr)
	}
	if r := session.Run(t, "ca", "revoke", "--cert", crt); r.Code != 1 || !strings.Contains(r.Stderr, "already") {
		t.Errorf("revoked again: exit code %d, stderr:\n%s", r.Code, r.Stderr)
	}
	must(t, session.Run(t, "ca", "renew", "--force", crt, key, "--out", p.File("b.crt")))
	fourth := p.Leaf(t, p.File("b.crt"), "a.example")
	must(t, session.Run(t, "ca", "revoke", "--cert", p.File("b.crt"), "--key", key))
	if got := p.Status(t, fourth); got != "Revoked" {
		t.Errorf("by key: status %s", got)
	}
}

func TestPebbleExternalAccount(t *testing.T) {
	t.Parallel()
	p, session := newPebble(t, true)
	secret := p.File("secret")
	if err := os.WriteFile(secret, []byte(acmetest.EABKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, session.Run(t, "ca", "certificate", "a.example", p.File("a.crt"), p.File("a.key"), "--acme", p.Directory, "--root", p.RootFile,
		"--http-listen", p.HTTP, "--eab-key-id", acmetest.EABKeyID, "--eab-key-file", secret))
	p.Leaf(t, p.File("a.crt"), "a.example")
}
