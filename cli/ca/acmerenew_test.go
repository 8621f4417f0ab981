package ca_test

import (
	"bytes"
	"crypto"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mholt/acmez/v3/acme"

	ours "stepca/acme"
	"stepca/cli"
	"stepca/cli/ca"
	"stepca/cli/clitest"
	"stepca/internal/acmetest"
	"stepca/keyfile"
)

// get gets a certificate for a.example from the provisioner, as the flags say, into
// the files a.crt and a.key.
func (w *world) get(t *testing.T, flags ...string) (crt, key string) {
	t.Helper()
	crt, key = w.File("a.crt"), w.File("a.key")
	must(t, w.run(t, append([]string{"ca", "certificate", "a.example", crt, key, "--http-listen", w.HTTP}, flags...)...))
	return crt, key
}

func sameFile(t *testing.T, a, b string) bool {
	t.Helper()
	first, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(first, second)
}

func copyFile(t *testing.T, from, to string) string {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

// A certificate of the authority's own ACME provisioner is renewed without a
// challenge, and with --if-due when the authority suggests it: at half of a day.
func TestACMERenewAtTheCA(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"--provisioner", "--acme"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			value := map[string]string{"--provisioner": "acme", "--acme": w.Directory}[how]
			crt, key := w.get(t, how, value, "--ca-url", w.CA.URL)
			old := copyFile(t, crt, w.File("old.crt"))
			renew := []string{"ca", "renew", "--ca-url", w.CA.URL, "--force", "--if-due", crt, key}

			w.session.Now = func() time.Time { return time.Now().Add(11*time.Hour + 30*time.Minute) }
			r := must(t, w.run(t, renew...))
			if !strings.Contains(r.Stderr, "certificate not renewed: expires in 12h") || !sameFile(t, crt, old) {
				t.Errorf("renewed before it is due; stderr:\n%s", r.Stderr)
			}
			w.session.Now = func() time.Time { return time.Now().Add(12*time.Hour + 30*time.Minute) }
			r = must(t, w.run(t, renew...))
			if strings.Contains(r.Stderr, "challenge") || sameFile(t, crt, old) {
				t.Errorf("not renewed with the certificate itself; stderr:\n%s", r.Stderr)
			}
			w.Leaf(t, crt, "a.example")

			// Nor do settings for getting certificates change how they are renewed.
			w.session.Environ["STEP_ACME"], w.session.Environ["STEP_WEBROOT"] = w.Directory, "www"
			// Whoever says when is not told otherwise, nor is anything asked for.
			renewed := copyFile(t, crt, w.File("renewed.crt"))
			must(t, w.run(t, "ca", "renew", "--ca-url", w.CA.URL, "--force", "--expires-in", "1h", crt, key))
			if !sameFile(t, crt, renewed) {
				t.Error("renewed although it does not expire within an hour")
			}
			w.session.Now = nil
			must(t, w.run(t, "ca", "renew", "--ca-url", w.CA.URL, "--force", crt, key))
			if sameFile(t, crt, renewed) {
				t.Error("not renewed without a condition")
			}
		})
	}
}

// Without a CA in use, the certificate's record says where and how to order its
// successor; the order says what it replaces.
func TestACMERenewByOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	crt, key := w.get(t, "--acme", w.Directory, "--not-after", "2h")
	old := copyFile(t, crt, w.File("old.crt"))
	before := w.Leaf(t, crt)

	r := must(t, w.run(t, "ca", "renew", "--force", crt, key))
	if !strings.Contains(r.Stderr, "Using Standalone Mode HTTP challenge to validate a.example") || r.Stdout != "" {
		t.Errorf("stdout %q, stderr:\n%s", r.Stdout, r.Stderr)
	}
	after := w.Leaf(t, crt, "a.example")
	if !bytes.Equal(before.RawSubjectPublicKeyInfo, after.RawSubjectPublicKeyInfo) {
		t.Error("the key was replaced")
	}
	if got := after.NotAfter.Sub(after.NotBefore).Round(time.Hour); got != 2*time.Hour {
		t.Errorf("lifetime %v, want that of the first, 2h", got)
	}
	c, account := w.account(t)
	if _, err := c.NewOrder(t.Context(), account, acme.Order{
		Identifiers: []acme.Identifier{{Type: "dns", Value: "a.example"}}, Replaces: ours.CertID(before),
	}); problemType(err) != "urn:ietf:params:acme:error:alreadyReplaced" {
		t.Errorf("replacing the first certificate again: %v, want alreadyReplaced", err)
	}

	// Where somebody has replaced it already, that is no obstacle.
	must(t, w.run(t, "ca", "renew", "--force", old, key))
	// Flags count more than the record.
	root := w.Webroot(t)
	if r := must(t, w.run(t, "ca", "renew", "--force", "--webroot", root, crt, key)); !strings.Contains(r.Stderr, "Webroot Mode") {
		t.Errorf("with --webroot, stderr:\n%s", r.Stderr)
	}
	if r := must(t, w.run(t, "ca", "rekey", "--force", crt, key)); !strings.Contains(r.Stderr, "Webroot Mode") {
		t.Errorf("--webroot was not kept; stderr:\n%s", r.Stderr)
	}
	if last := w.Leaf(t, crt, "a.example"); bytes.Equal(last.RawSubjectPublicKeyInfo, before.RawSubjectPublicKeyInfo) {
		t.Error("step ca rekey has kept the key")
	}
	if _, err := keyfile.LoadSigner(key, keyfile.Password{}); err != nil {
		t.Error(err)
	}
}

// account is the stored account of the user.
func (w *world) account(t *testing.T) (*acme.Client, acme.Account) {
	t.Helper()
	files, err := filepath.Glob(w.File("step/acme/*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("accounts: %q, %v", files, err)
	}
	info, err := os.Stat(files[0])
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode of the account: %v, %v", info.Mode(), err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var stored struct{ Location, Key string }
	if err := json.Unmarshal(data, &stored); err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(stored.Key))
	if block == nil {
		t.Fatalf("no key in %s", data)
	}
	key, err := keyfile.ParsePrivateKey(files[0], []byte(stored.Key), keyfile.Password{})
	if err != nil {
		t.Fatal(err)
	}
	c := &acme.Client{Directory: w.Directory, HTTPClient: w.CA.HTTP(nil)}
	return c, acme.Account{Location: stored.Location, PrivateKey: key.(crypto.Signer)}
}

func problemType(err error) string {
	problem, _ := errors.AsType[acme.Problem](err)
	return problem.Type
}

func TestACMERenewRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	crt, key := w.get(t, "--provisioner", "acme", "--ca-url", w.CA.URL)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--webroot", w.Dir, "--ca-url", w.CA.URL}, "flag '--webroot' requires the '--acme' flag"},
		{[]string{"--if-due", "--expires-in", "1h", "--ca-url", w.CA.URL}, "flag '--if-due' and flag '--expires-in' are mutually exclusive"},
		{[]string{"--if-due", "--daemon", "--ca-url", w.CA.URL}, "flag '--if-due' and flag '--daemon' are mutually exclusive"},
		{[]string{"--acme", w.Directory, "--mtls=false"}, "flag '--mtls' is incompatible with '--acme'"},
		{[]string{"--acme", w.Directory, "--offline"}, "flag '--offline' is incompatible with '--acme'"},
		{[]string{"--acme", "http://ca.example/directory"}, "invalid value 'http://ca.example/directory' for flag '--acme'; it must be the https URL of an ACME directory"},
		{[]string{"--acme", w.Directory, "--standalone", "--tls-alpn"}, "flag '--standalone' and flag '--tls-alpn' are mutually exclusive"},
		{[]string{"--acme", w.Directory, "--dns-hook", `"`}, "a quote is not closed"},
	} {
		if r := w.run(t, append([]string{"ca", "renew", "--force", crt, key}, tt.args...)...); r.Code != 1 || !strings.Contains(r.Stderr, tt.want) {
			t.Errorf("%q: exit code %d, want an error with %q; stderr:\n%s", tt.args, r.Code, tt.want, r.Stderr)
		}
	}
	records, err := filepath.Glob(w.File("step/acme/certificates/*.json"))
	if err != nil || len(records) != 1 {
		t.Fatalf("records: %q, %v", records, err)
	}
	if err := os.WriteFile(records[0], []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := records[0] + " does not say where the certificate came from; delete it, and use the '--acme' flag: "
	if r := w.run(t, "ca", "renew", "--force", "--ca-url", w.CA.URL, crt, key); r.Code != 1 || !strings.Contains(r.Stderr, want) {
		t.Errorf("exit code %d, want an error with %q; stderr:\n%s", r.Code, want, r.Stderr)
	}
}

// Nothing of the user's says where a certificate of another CA is renewed.
func TestRenewWithoutCA(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.get(t, "--acme", w.Directory)
	other := newWorld(t)
	crt, key := other.get(t, "--acme", other.Directory)
	if r := w.run(t, "ca", "renew", "--force", crt, key); r.Code != 1 || !strings.Contains(r.Stderr, "'step ca renew' requires the '--ca-url' flag") {
		t.Errorf("exit code %d, stderr:\n%s", r.Code, r.Stderr)
	}
}

// What an operator pulled forward is renewed now, and the user learns why.
func TestACMERenewPulledForward(t *testing.T) {
	t.Parallel()
	w := &world{World: acmetest.New(t, map[string]any{"renewalWindows": []any{map[string]any{
		"issuedBefore": time.Now().Add(time.Hour).UTC().Format(time.RFC3339), "explanationURL": "https://ca.example/incident",
	}}})}
	w.session = &clitest.Session{Commands: []cli.Command{ca.Command}, Environ: map[string]string{"STEPPATH": w.File("step")}}
	crt, key := w.get(t, "--provisioner", "acme", "--ca-url", w.CA.URL)
	r := must(t, w.run(t, "ca", "renew", "--ca-url", w.CA.URL, "--force", "--if-due", crt, key))
	if !strings.Contains(r.Stderr, "https://ca.example/incident\n") || !strings.Contains(r.Stderr, "Your certificate has been saved in ") {
		t.Errorf("stderr:\n%s", r.Stderr)
	}
}

// One user has an account with each of several servers, and each certificate is
// renewed where it came from.
func TestACMESeveralServers(t *testing.T) {
	t.Parallel()
	first, second := newWorld(t), newWorld(t)
	for _, w := range []*world{first, second} {
		r := first.session.Run(t, "ca", "certificate", "a.example", w.File("a.crt"), w.File("a.key"),
			"--acme", w.Directory, "--http-listen", w.HTTP, "--root", w.CA.RootFile)
		must(t, r)
	}
	for _, w := range []*world{first, second} {
		old := w.Leaf(t, w.File("a.crt"))
		must(t, first.session.Run(t, "ca", "renew", "--force", w.File("a.crt"), w.File("a.key")))
		if next := w.Leaf(t, w.File("a.crt"), "a.example"); next.SerialNumber.Cmp(old.SerialNumber) == 0 {
			t.Error("not renewed")
		}
	}
	r := must(t, first.session.Run(t, "ca", "acme", "account", "list"))
	if strings.Count(r.Stdout, "\n") != 2 || !strings.Contains(r.Stdout, first.Directory+" ") || !strings.Contains(r.Stdout, second.Directory+" ") {
		t.Errorf("accounts:\n%s", r.Stdout)
	}
}
