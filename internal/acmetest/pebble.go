package acmetest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"stepca/internal/dnstest"
	"stepca/internal/freeport"
	"stepca/keyfile"
)

// A Pebble is an ACME server that is not ours: Let's Encrypt's for tests of clients.
// It refuses some good nonces, as servers may.
type Pebble struct {
	DNS       *dnstest.Server
	Directory string
	Dir       string // for the files of the test
	RootFile  string // whom to trust for the directory
	HTTP, TLS string // addresses for http-01 and tls-alpn-01, host:port

	management string // URL
	client     *http.Client
	log        output
}

// EABKeyID and EABKey make an account with a Pebble that requires one.
const (
	EABKeyID = "kid-1"
	EABKey   = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
)

// ShortLived is the lifetime of certificates of the profile "shortlived"; others live
// for 90 days.
const ShortLived = 6 * 24 * time.Hour

// NewPebble runs one until the test ends. Where the Go module proxy cannot be
// reached, which the program comes from, the test is skipped, or fails if CI is set.
func NewPebble(t testing.TB, requireEAB bool) *Pebble {
	t.Helper()
	program := pebbleProgram(t)
	p := &Pebble{DNS: dnstest.New(t), Dir: t.TempDir()}
	ports := make([]int, 4)
	for i := range ports {
		ports[i] = freeport.Port(t)
	}
	address := func(i int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[i])) }
	p.Directory, p.management, p.HTTP, p.TLS = "https://"+address(0)+"/dir", "https://"+address(1), address(2), address(3)
	p.RootFile = p.File("pebble-root.crt")
	p.client = &http.Client{Transport: &http.Transport{TLSClientConfig: serverCertificate(t, p.RootFile, p.File("pebble.key"))}}
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": address(0), "managementListenAddress": address(1),
		"certificate": p.RootFile, "privateKey": p.File("pebble.key"),
		"httpPort": ports[2], "tlsPort": ports[3],
		"externalAccountBindingRequired": requireEAB,
		"externalAccountMACKeys":         map[string]string{EABKeyID: EABKey},
		"retryAfter":                     map[string]int{"authz": 0, "order": 0},
		"keyAlgorithm":                   "ecdsa",
		"profiles": map[string]any{
			"default":    map[string]any{"description": "as ever", "validityPeriod": int(90 * 24 * time.Hour / time.Second)},
			"shortlived": map[string]any{"description": "for six days", "validityPeriod": int(ShortLived / time.Second)},
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.File("pebble.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	p.run(t, program)
	return p
}

// pebbleProgram builds the program from the tools' module, and returns its path.
func pebbleProgram(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs(".")
	for err == nil && dir != filepath.Dir(dir) {
		if _, statErr := os.Stat(filepath.Join(dir, "tools", "go.mod")); statErr == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	cmd := exec.Command("go", "tool", "-modfile=tools/go.mod", "-n", "pebble")
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("building pebble: %v\n%s", err, stderr.Bytes())
		}
		t.Skipf("pebble cannot be built: %v\n%s", err, stderr.Bytes())
	}
	return strings.TrimSpace(string(out))
}

func (p *Pebble) run(t testing.TB, program string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "-config", p.File("pebble.json"), "-dnsserver", p.DNS.Addr)
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_AUTHZREUSE=0", "PEBBLE_WFE_NONCEREJECT=10")
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		cmd.Wait() // killed
		if t.Failed() {
			t.Logf("pebble:\n%s", p.Log())
		}
	})
	for range 1200 {
		resp, err := p.client.Get(p.Directory)
		if err == nil {
			resp.Body.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("pebble does not answer:\n%s", p.Log())
}

// File returns the path of a file of the test.
func (p *Pebble) File(name string) string { return filepath.Join(p.Dir, name) }

// Log returns what the server has logged.
func (p *Pebble) Log() string { return p.log.String() }

// Leaf reads a chain that a client wrote, checks that this server issued it for
// the names, and returns its leaf.
func (p *Pebble) Leaf(t testing.TB, file string, names ...string) *x509.Certificate {
	t.Helper()
	chain, err := keyfile.LoadCertificates(file)
	if err != nil {
		t.Fatal(err)
	}
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM(p.ask(t, http.MethodGet, "/roots/0", nil))
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	if _, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates}); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := chain[0].VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	return chain[0]
}

// Suggest makes the server answer with this when asked when to renew a certificate,
// a chain in a file.
func (p *Pebble) Suggest(t testing.TB, file, renewalInfo string) {
	t.Helper()
	chain, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]string{"Certificate": string(chain), "ARIResponse": renewalInfo})
	if err != nil {
		t.Fatal(err)
	}
	p.ask(t, http.MethodPost, "/set-renewal-info/", body)
}

// Status returns what the server says of a certificate: Valid or Revoked.
func (p *Pebble) Status(t testing.TB, crt *x509.Certificate) string {
	t.Helper()
	var status struct{ Status string }
	if err := json.Unmarshal(p.ask(t, http.MethodGet, fmt.Sprintf("/cert-status-by-serial/%x", crt.SerialNumber), nil), &status); err != nil {
		t.Fatal(err)
	}
	return status.Status
}

func (p *Pebble) ask(t testing.TB, method, path string, body []byte) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.management+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %s (%v)", method, path, resp.Status, data, err)
	}
	return data
}

// serverCertificate writes a certificate for 127.0.0.1 that is its own root, and
// its key, and returns a configuration that trusts it.
func serverCertificate(t testing.TB, crtFile, keyFile string) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "pebble"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	crt, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	keyPEM, err := keyfile.EncodePrivateKey(key, keyfile.PKCS8, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{crtFile: keyfile.EncodeCertificates(crt), keyFile: keyPEM} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AddCert(crt)
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// output collects what a program writes while it runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
