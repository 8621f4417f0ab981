// Package acmetest runs a CA with ACME provisioners for tests of ACME clients. In
// its world every name is at 127.0.0.1, and challenges are looked for at ports
// that are free for the client.
package acmetest

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"stepca/acme"
	"stepca/acme/va"
	"stepca/config"
	"stepca/internal/catest"
	"stepca/internal/dnstest"
	"stepca/internal/freeport"
	"stepca/keyfile"
	"stepca/kv"
	"stepca/kv/mem"
	"stepca/server"
	"stepca/store"
)

// A World is a CA with the ACME provisioner "acme", and what clients need.
type World struct {
	CA        *catest.CA
	DNS       *dnstest.Server
	Directory string // URL of the provisioner's directory
	Dir       string // for the files of the test
	HTTP, TLS string // addresses for http-01 and tls-alpn-01, host:port

	store *store.Store // that of the CA
}

// New runs a world until the test ends. extra are members of the provisioner; edits
// change the rest of the configuration, see catest.Options.
func New(t testing.TB, extra map[string]any, edits ...func(cfg map[string]any)) *World {
	t.Helper()
	engine := mem.New()
	w := &World{DNS: dnstest.New(t), Dir: t.TempDir(), store: store.New(engine, store.Options{})}
	var ports [2]int
	for i, address := range []*string{&w.HTTP, &w.TLS} {
		ports[i] = freeport.Port(t)
		*address = net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[i]))
	}
	provisioner := map[string]any{"type": "ACME", "name": "acme"}
	for name, value := range extra {
		provisioner[name] = value
	}
	w.CA = catest.New(t, catest.Options{
		Edit: func(cfg map[string]any) {
			authority := cfg["authority"].(map[string]any)
			authority["provisioners"] = append(authority["provisioners"].([]any), provisioner)
			for _, edit := range edits {
				edit(cfg)
			}
		},
		Engines: map[string]server.EngineOpener{
			config.EngineMemory: func(context.Context, *config.DB, *slog.Logger) (kv.Engine, error) { return engine, nil },
		},
		ACME: server.ACMEOptions{Validator: va.New(va.Config{HTTPPort: ports[0], TLSPort: ports[1], Resolver: w.DNS.Resolver(), StrictFQDN: true})},
	})
	w.Directory = w.CA.URL + "/acme/acme/directory"
	return w
}

// ExternalKey makes a key for external account binding (RFC 8555 §7.3.4) and
// returns its ID and its secret in base64url.
func (w *World) ExternalKey(t testing.TB) (id, secret string) {
	t.Helper()
	key, err := acme.NewExternalKey("acme/acme", "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.InsertExternalKey(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	return key.ID, base64.RawURLEncoding.EncodeToString(key.Secret)
}

// WantRevoked fails the test unless the CA has revoked a certificate through ACME, for
// a reason of RFC 5280 §5.3.1.
func (w *World) WantRevoked(t testing.TB, crt *x509.Certificate, reason int) {
	t.Helper()
	revocation, err := w.store.Revoked(t.Context(), crt.SerialNumber)
	switch {
	case err != nil:
		t.Fatal(err)
	case revocation == nil:
		t.Errorf("certificate %v of %v is not revoked", crt.SerialNumber, crt.DNSNames)
	case revocation.By != "acme" || revocation.ReasonCode != reason:
		t.Errorf("certificate %v of %v was revoked by %s for reason %d, want acme and %d",
			crt.SerialNumber, crt.DNSNames, revocation.By, revocation.ReasonCode, reason)
	}
}

// HTTPPort returns the port of HTTP.
func (w *World) HTTPPort() string { return port(w.HTTP) }

// TLSPort returns the port of TLS.
func (w *World) TLSPort() string { return port(w.TLS) }

func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// File returns the path of a file of the test.
func (w *World) File(name string) string { return filepath.Join(w.Dir, name) }

// Write writes a file of the test and returns its path.
func (w *World) Write(t testing.TB, name, text string, mode os.FileMode) string {
	t.Helper()
	// A program cannot be run while a child that was forked meanwhile has it open for writing.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(w.File(name), []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return w.File(name)
}

// Webroot serves a directory at HTTP until the test ends, and returns it.
func (w *World) Webroot(t testing.TB) string {
	t.Helper()
	dir := w.File("www")
	if err := os.MkdirAll(filepath.Join(dir, ".well-known", "acme-challenge"), 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", w.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: http.FileServer(http.Dir(dir))}
	go web.Serve(l)
	t.Cleanup(func() { web.Close() })
	return dir
}

// Leaf reads a chain that a client wrote, checks that the CA issued it for the
// names, and returns its leaf.
func (w *World) Leaf(t testing.TB, file string, names ...string) *x509.Certificate {
	t.Helper()
	chain, err := keyfile.LoadCertificates(file)
	if err != nil {
		t.Fatal(err)
	}
	w.Check(t, chain, names...)
	return chain[0]
}

// Check checks that the CA issued a chain, leaf first, for the names. It may have
// expired meanwhile: some tests have certificates that live for seconds.
func (w *World) Check(t testing.TB, chain []*x509.Certificate, names ...string) {
	t.Helper()
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(w.CA.Root)
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	at := time.Now()
	if at.After(chain[0].NotAfter) {
		at = chain[0].NotAfter
	}
	if _, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates, CurrentTime: at}); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := chain[0].VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
}
