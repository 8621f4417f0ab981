package ca_test

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepca/cli"
	"stepca/cli/ca"
	"stepca/cli/clitest"
	"stepca/internal/acmetest"
	"stepca/keyfile"
)

// A world is a CA with an ACME provisioner and a user whom it does not know.
type world struct {
	*acmetest.World
	session *clitest.Session
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := acmetest.New(t, nil)
	return &world{w, &clitest.Session{Commands: []cli.Command{ca.Command}, Environ: map[string]string{"STEPPATH": w.File("step")}}}
}

// run runs a command with the flag that says which CA to trust.
func (w *world) run(t *testing.T, args ...string) clitest.Result {
	t.Helper()
	return w.session.Run(t, append(args, "--root", w.CA.RootFile)...)
}

// hookScript is a hook for dns-01 that writes the records of a dnstest.Server.
func hookScript(dir string) string {
	return "#!/bin/sh\nname=${2%.}\ncase $1 in present) echo \"$3\" >> " + dir + "/\"$name\";; cleanup) rm -f " + dir + "/\"$name\";; esac\n"
}

func TestACMECertificate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.Write(t, "hook.sh", hookScript(w.DNS.Dir), 0o700)
	for _, tt := range []struct {
		name  string
		args  []string
		shown string
		dns   string
	}{
		{"standalone", []string{"a.example", "--san", "b.example", "--san", "127.0.0.1", "--acme", w.Directory, "--http-listen", w.HTTP, "--not-after", "1h"},
			"Using Standalone Mode HTTP challenge to validate a.example .", "a.example b.example"},
		{"international", []string{"Bücher.Example", "--san", "B.Example", "--san", "b.example", "--acme", w.Directory, "--http-listen", w.HTTP},
			"Using Standalone Mode HTTP challenge to validate xn--bcher-kva.example .", "xn--bcher-kva.example b.example"},
		{"provisioner", []string{"a.example", "--ca-url", w.CA.URL, "--provisioner", "acme", "--http-listen", w.HTTP},
			"Waiting for Order to be 'ready' for finalization .", "a.example"},
		{"tls-alpn", []string{"c.example", "--san", "e.example", "--acme", w.Directory, "--tls-alpn", "--tls-listen", w.TLS, "--contact", "ops@example.com"},
			"Using TLS ALPN challenge to validate c.example .", "c.example e.example"},
		{"dns", []string{"*.d.example", "--san", "d.example", "--acme", w.Directory, "--dns-hook", hook},
			"Using DNS challenge to validate", "x.d.example d.example"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"ca", "certificate", tt.args[0], w.File(tt.name + ".crt"), w.File(tt.name + ".key")}, tt.args[1:]...)
			r := w.run(t, args...)
			if r.Code != 0 || !strings.Contains(r.Stderr, tt.shown) || !strings.Contains(r.Stderr, "Finalizing Order . done!") {
				t.Fatalf("exit code %d, stderr:\n%s", r.Code, r.Stderr)
			}
			w.Leaf(t, w.File(tt.name+".crt"), strings.Fields(tt.dns)...)
		})
	}
	accounts, err := filepath.Glob(w.File("step/acme/*.json"))
	if err != nil || len(accounts) != 1 {
		t.Errorf("stored accounts %q (%v), want one for the one server", accounts, err)
	}
}

func TestACMEWebroot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.Webroot(t)
	r := w.run(t, "ca", "certificate", "a.example", w.File("a.crt"), w.File("a.key"), "--webroot", root, "--acme", w.Directory)
	if r.Code != 0 || !strings.Contains(r.Stderr, "Using Webroot Mode HTTP challenge to validate a.example") {
		t.Fatalf("exit code %d, stderr:\n%s", r.Code, r.Stderr)
	}
	w.Leaf(t, w.File("a.crt"), "a.example")
	left, err := os.ReadDir(filepath.Join(root, ".well-known", "acme-challenge"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

// A web server that serves something else does not prove anything, and nothing is
// left in the directory.
func TestACMEWebrootElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l, err := net.Listen("tcp", w.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "welcome") })}
	go web.Serve(l)
	t.Cleanup(func() { web.Close() })
	other := w.File("other")
	r := w.run(t, "ca", "certificate", "a.example", w.File("a.crt"), w.File("a.key"), "--webroot", other, "--acme", w.Directory)
	if r.Code != 1 || !strings.Contains(r.Stderr, " Error!\n\nUnable to validate challenge: ") || !strings.Contains(r.Stderr, "welcome") {
		t.Errorf("exit code %d, stderr:\n%s", r.Code, r.Stderr)
	}
	left, err := os.ReadDir(filepath.Join(other, ".well-known", "acme-challenge"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
	info, err := os.Stat(filepath.Join(other, ".well-known"))
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("mode of the directory: %v (%v)", info.Mode(), err)
	}
}

func TestACMERefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"a.example", "--san", "mailto:a@example.com", "--acme", w.Directory}, "Email Address and URI SANs are not supported for ACME flow"},
		{[]string{"*.example", "--acme", w.Directory}, "wildcard dnsnames (*.x) require dns validation"},
		{[]string{"a.example", "--acme", w.Directory, "--http-listen", "256.0.0.1:80"}, "--http-listen"},
		{[]string{"a.example", "--acme", w.CA.URL + "/acme/none/directory"}, "404"},
	} {
		r := w.run(t, append([]string{"ca", "certificate", tt.args[0], w.File("x.crt"), w.File("x.key")}, tt.args[1:]...)...)
		if r.Code == 0 || !strings.Contains(r.Stderr, tt.want) {
			t.Errorf("%q: exit code %d, want an error with %q; stderr:\n%s", tt.args, r.Code, tt.want, r.Stderr)
		}
	}
	l, err := net.Listen("tcp", w.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := w.run(t, "ca", "certificate", "a.example", w.File("x.crt"), w.File("x.key"), "--acme", w.Directory, "--http-listen", w.HTTP)
	if want := "listen tcp " + w.HTTP + ": bind: address already in use; use '--webroot' with the web server that listens there"; r.Code == 0 || !strings.Contains(r.Stderr, want) {
		t.Errorf("where a web server listens: exit code %d, want an error with %q; stderr:\n%s", r.Code, want, r.Stderr)
	}
	if _, err := os.Stat(w.File("x.key")); err == nil {
		t.Error("a key was written without a certificate")
	}
}

func TestACMESign(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	writeCSR(t, w.File("a.csr"), "a.example")
	r := w.run(t, "ca", "sign", w.File("a.csr"), w.File("a.crt"), "--http-listen", w.HTTP, "--acme", w.Directory)
	if r.Code != 0 {
		t.Fatalf("exit code %d, stderr:\n%s", r.Code, r.Stderr)
	}
	w.Leaf(t, w.File("a.crt"), "a.example")
}

func writeCSR(t *testing.T, file, name string) {
	t.Helper()
	key, err := keyfile.Generate(keyfile.KeySpec{})
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}}, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestACMEExternalAccount(t *testing.T) {
	t.Parallel()
	w := &world{World: acmetest.New(t, map[string]any{"requireEAB": true})}
	w.session = &clitest.Session{Commands: []cli.Command{ca.Command}, Environ: map[string]string{"STEPPATH": w.File("step")}}
	args := []string{"ca", "certificate", "a.example", w.File("a.crt"), w.File("a.key"), "--acme", w.Directory, "--http-listen", w.HTTP, "--force"}
	if r := w.run(t, args...); r.Code == 0 || !strings.Contains(r.Stderr, "externalAccountBinding") || !strings.Contains(r.Stderr, "'--eab-key-id'") {
		t.Fatalf("without a key: exit code %d, stderr:\n%s", r.Code, r.Stderr)
	}
	id, secret := w.ExternalKey(t)
	bound := append(args[:len(args):len(args)], "--eab-key-id", id, "--eab-key-file", w.Write(t, "eab", secret+"\n", 0o600))
	if r := w.run(t, bound...); r.Code != 0 {
		t.Fatalf("with a key: exit code %d, stderr:\n%s", r.Code, r.Stderr)
	}
	// The account is kept, so the key is not needed a second time.
	if r := w.run(t, args...); r.Code != 0 {
		t.Fatalf("with the account: exit code %d, stderr:\n%s", r.Code, r.Stderr)
	}
	w.Leaf(t, w.File("a.crt"), "a.example")
}
