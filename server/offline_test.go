package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log/slog"
	"math/big"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepca/config"
	"stepca/internal/catest"
	"stepca/kms"
	"stepca/kms/soft"
	"stepca/kv"
	"stepca/kv/bolt"
	"stepca/kv/mem"
	"stepca/server"
)

// openOffline opens the CA whose files ca has.
func openOffline(ca *catest.CA) (*server.Offline, error) {
	return openLogged(ca, slog.New(slog.DiscardHandler))
}

func openLogged(ca *catest.CA, log *slog.Logger) (*server.Offline, error) {
	return server.OpenOffline(context.Background(), server.Options{
		ConfigFile: ca.ConfigFile, StepPath: ca.Dir, Getenv: func(string) string { return "" },
		KMS: kms.Registry{kms.Soft: soft.Open},
		Engines: map[string]server.EngineOpener{
			config.EngineBbolt: func(ctx context.Context, db *config.DB, _ *slog.Logger) (kv.Engine, error) {
				return bolt.Open(ctx, bolt.Options{Path: db.DataSource, LockTimeout: time.Second})
			},
			config.EngineMemory: func(context.Context, *config.DB, *slog.Logger) (kv.Engine, error) { return mem.New(), nil },
		},
	}, log)
}

func prepareOffline(t *testing.T) *catest.CA {
	t.Helper()
	ca := catest.Prepare(t, catest.Options{})
	cfg := ca.ReadConfig()
	cfg["db"] = map[string]any{"type": "bbolt", "dataSource": filepath.Join(ca.Dir, "db")}
	ca.WriteConfig(cfg)
	return ca
}

func TestOffline(t *testing.T) {
	t.Parallel()
	ca := prepareOffline(t)
	ca.URL = "https://localhost"
	token := ca.Token("a.local", nil, map[string]any{"iat": time.Now().Add(-time.Minute).Unix()})
	offline, err := openOffline(ca)
	if err != nil {
		t.Fatal(err)
	}
	if offline.URL() != ca.URL {
		t.Errorf("URL = %s, want %s", offline.URL(), ca.URL)
	}
	if roots := offline.Roots(); len(roots) != 1 || !roots[0].Equal(ca.Root) {
		t.Errorf("Roots has %d certificates, want the root", len(roots))
	}

	// A token from before the CA was opened is good, once.
	key, csr := ca.CSR(x509.CertificateRequest{Subject: pkix.Name{CommonName: "a.local"}, DNSNames: []string{"a.local"}})
	anybody := &http.Client{Transport: offline.Transport(nil)}
	status, body := ca.Post(anybody, "/1.0/sign", map[string]any{"csr": csr, "ott": token})
	if status != http.StatusCreated {
		t.Fatalf("sign: %d %s", status, body)
	}
	crt, err := catest.ParseSigned(body)
	if err != nil {
		t.Fatal(err)
	}
	crt.PrivateKey = key
	if status, body := ca.Post(anybody, "/1.0/sign", map[string]any{"csr": csr, "ott": token}); status != http.StatusUnauthorized {
		t.Errorf("sign with a token that was used: %d %s", status, body)
	}
	if status, body := ca.Post(anybody, "/1.0/renew", nil); status != http.StatusBadRequest {
		t.Errorf("renew without a certificate: %d %s", status, body)
	}
	if status, body := ca.Post(&http.Client{Transport: offline.Transport(crt)}, "/1.0/renew", nil); status != http.StatusCreated {
		t.Errorf("renew: %d %s", status, body)
	}

	// A second process has to wait; after Close everything is still there.
	if _, err := openOffline(ca); err == nil || !strings.Contains(err.Error(), "opening the database") {
		t.Errorf("opened a second time: error %v", err)
	}
	if err := offline.Close(); err != nil {
		t.Fatal(err)
	}
	if offline, err = openOffline(ca); err != nil {
		t.Fatal(err)
	}
	defer offline.Close()
	anybody.Transport = offline.Transport(nil)
	if status, body := ca.Post(anybody, "/1.0/sign", map[string]any{"csr": csr, "ott": token}); status != http.StatusUnauthorized {
		t.Errorf("sign with a token that was used before: %d %s", status, body)
	}
}

// TestOfflineCredentials presents what TLS would not accept.
func TestOfflineCredentials(t *testing.T) {
	t.Parallel()
	ca := prepareOffline(t)
	offline, err := openOffline(ca)
	if err != nil {
		t.Fatal(err)
	}
	defer offline.Close()

	ownKey, otherKey := newKey(t), newKey(t)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a.local"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, ownKey.Public(), ownKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		crt  tls.Certificate
		want string
	}{
		"of nobody":              {tls.Certificate{Certificate: [][]byte{der}, PrivateKey: ownKey}, "verifying the client certificate"},
		"with another key":       {tls.Certificate{Certificate: [][]byte{der}, PrivateKey: otherKey}, "key"},
		"without a key":          {tls.Certificate{Certificate: [][]byte{der}}, "no private key"},
		"without anything":       {tls.Certificate{PrivateKey: ownKey}, "is empty"},
		"that is no certificate": {tls.Certificate{Certificate: [][]byte{{1, 2}}, PrivateKey: ownKey}, "x509"},
	} {
		hc := &http.Client{Transport: offline.Transport(&tt.crt)}
		resp, err := hc.Post("https://localhost/1.0/renew", "application/json", nil)
		if err == nil {
			resp.Body.Close()
			t.Errorf("a certificate %s was answered %s", name, resp.Status)
		} else if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("a certificate %s: error %q, want one with %q", name, err, tt.want)
		}
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
