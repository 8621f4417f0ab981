package ca_test

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"stepca/acme/va"
	"stepca/cli"
	"stepca/cli/ca"
	"stepca/cli/clitest"
	"stepca/internal/catest"
	"stepca/internal/dnstest"
	"stepca/keyfile"
	"stepca/server"
)

// An acmeWorld is a CA with an ACME provisioner, and a user who is not known to
// it. Each name is at 127.0.0.1; challenges are looked for at the listen
// addresses.
type acmeWorld struct {
	ca          *catest.CA
	dns         *dnstest.Server
	session     *clitest.Session
	dir         string
	http, https string // addresses
}

func newACMEWorld(t *testing.T) *acmeWorld {
	t.Helper()
	w := &acmeWorld{dns: dnstest.New(t), dir: t.TempDir()}
	var ports [2]int
	for i, address := range []*string{&w.http, &w.https} {
		ports[i] = freePort(t)
		*address = net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[i]))
	}
	w.ca = catest.New(t, catest.Options{
		Edit: func(cfg map[string]any) {
			authority := cfg["authority"].(map[string]any)
			authority["provisioners"] = append(authority["provisioners"].([]any), map[string]any{"type": "ACME", "name": "acme"})
		},
		ACME: server.ACMEOptions{Validator: va.New(va.Config{HTTPPort: ports[0], TLSPort: ports[1], Resolver: w.dns.Resolver(), StrictFQDN: true})},
	})
	w.session = &clitest.Session{Commands: []cli.Command{ca.Command}, Environ: map[string]string{"STEPPATH": filepath.Join(w.dir, "step")}}
	return w
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// run runs a command with the flags that say which CA to trust.
func (w *acmeWorld) run(t *testing.T, args ...string) clitest.Result {
	t.Helper()
	return w.session.Run(t, append(args, "--root", w.ca.RootFile)...)
}

func (w *acmeWorld) file(name string) string { return filepath.Join(w.dir, name) }

// leaf reads a certificate that was written and checks that the CA issued it.
func (w *acmeWorld) leaf(t *testing.T, name string) *x509.Certificate {
	t.Helper()
	chain, err := keyfile.LoadCertificates(w.file(name))
	if err != nil {
		t.Fatal(err)
	}
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(w.ca.Root)
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	if _, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates}); err != nil {
		t.Fatal(err)
	}
	return chain[0]
}

func TestACMECertificate(t *testing.T) {
	t.Parallel()
	w := newACMEWorld(t)
	hook := w.file("hook.sh")
	script := "#!/bin/sh\nname=${2%.}\ncase $1 in present) echo \"$3\" >> " + w.dns.Dir + "/\"$name\";; cleanup) rm -f " + w.dns.Dir + "/\"$name\";; esac\n"
	if err := os.WriteFile(hook, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	directory := w.ca.URL + "/acme/acme/directory"
	for _, tt := range []struct {
		name  string
		args  []string
		shown string
		dns   string
	}{
		{"standalone", []string{"a.example", "--san", "b.example", "--san", "127.0.0.1", "--acme", directory, "--http-listen", w.http, "--not-after", "1h"},
			"Using Standalone Mode HTTP challenge to validate a.example .", "a.example b.example"},
		{"provisioner", []string{"a.example", "--ca-url", w.ca.URL, "--provisioner", "acme", "--http-listen", w.http},
			"Waiting for Order to be 'ready' for finalization .", "a.example"},
		{"tls-alpn", []string{"c.example", "--acme", directory, "--tls-alpn", "--tls-listen", w.https, "--contact", "ops@example.com"},
			"Using TLS ALPN challenge to validate c.example .", "c.example"},
		{"dns", []string{"*.d.example", "--san", "d.example", "--acme", directory, "--dns-hook", hook},
			"Using DNS challenge to validate", "*.d.example d.example"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"ca", "certificate", tt.args[0], w.file(tt.name + ".crt"), w.file(tt.name + ".key")}, tt.args[1:]...)
			r := w.run(t, args...)
			if r.Code != 0 || !strings.Contains(r.Stderr, tt.shown) || !strings.Contains(r.Stderr, "Finalizing Order . done!") {
				t.Fatalf("exit code %d, stderr:\n%s", r.Code, r.Stderr)
			}
			leaf := w.leaf(t, tt.name+".crt")
			for _, name := range strings.Fields(tt.dns) {
				if !strings.Contains(" "+strings.Join(leaf.DNSNames, " ")+" ", " "+name+" ") {
					t.Errorf("names %q, want %s among them", leaf.DNSNames, name)
				}
			}
		})
	}
	accounts, err := filepath.Glob(w.file("step/acme/*.json"))
	if err != nil || len(accounts) != 1 {
		t.Errorf("stored accounts %q (%v), want one for the one server", accounts, err)
	}
}

func TestACMEWebroot(t *testing.T) {
	t.Parallel()
	w := newACMEWorld(t)
	root := w.file("www")
	serveFiles(t, w.http, root)
	r := w.run(t, "ca", "certificate", "a.example", w.file("a.crt"), w.file("a.key"), "--webroot", root, "--acme", w.ca.URL+"/acme/acme/directory")
	if r.Code != 0 || !strings.Contains(r.Stderr, "Using Webroot Mode HTTP challenge to validate a.example") {
		t.Fatalf("exit code %d, stderr:\n%s", r.Code, r.Stderr)
	}
	w.leaf(t, "a.crt")
	left, err := os.ReadDir(filepath.Join(root, ".well-known", "acme-challenge"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

func TestACMERefused(t *testing.T) {
	t.Parallel()
	w := newACMEWorld(t)
	directory := w.ca.URL + "/acme/acme/directory"
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"a.example", "--san", "mailto:a@example.com", "--acme", directory}, "Email Address and URI SANs are not supported for ACME flow"},
		{[]string{"*.example", "--acme", directory}, "wildcard dnsnames (*.x) require dns validation"},
		{[]string{"a.example", "--acme", directory, "--http-listen", "256.0.0.1:80"}, "--http-listen"},
		{[]string{"a.example", "--acme", w.ca.URL + "/acme/none/directory"}, "404"},
	} {
		r := w.run(t, append([]string{"ca", "certificate", tt.args[0], w.file("x.crt"), w.file("x.key")}, tt.args[1:]...)...)
		if r.Code == 0 || !strings.Contains(r.Stderr, tt.want) {
			t.Errorf("%q: exit code %d, want an error with %q; stderr:\n%s", tt.args, r.Code, tt.want, r.Stderr)
		}
	}
	if _, err := os.Stat(w.file("x.key")); err == nil {
		t.Error("a key was written without a certificate")
	}
}

func TestACMESign(t *testing.T) {
	t.Parallel()
	w := newACMEWorld(t)
	writeCSR(t, w.file("a.csr"), "a.example")
	r := w.run(t, "ca", "sign", w.file("a.csr"), w.file("a.crt"), "--http-listen", w.http, "--acme", w.ca.URL+"/acme/acme/directory")
	if r.Code != 0 {
		t.Fatalf("exit code %d, stderr:\n%s", r.Code, r.Stderr)
	}
	w.leaf(t, "a.crt")
}

// serveFiles runs a web server with the files of a directory.
func serveFiles(t *testing.T, address, dir string) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: http.FileServer(http.Dir(dir))}
	go web.Serve(l)
	t.Cleanup(func() { web.Close() })
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
