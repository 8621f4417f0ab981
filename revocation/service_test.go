package revocation_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"sync"
	"testing"
	"time"

	"stepca/ca"
	"stepca/kv"
	"stepca/kv/mem"
	"stepca/revocation"
	"stepca/store"
)

// An authority is an issuer with its key.
type authority struct {
	revocation.Issuer
	key crypto.Signer
}

func newKey(t testing.TB, kind string) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch kind {
	case "P-256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "P-384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "P-521":
		key, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "RSA":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "Ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newAuthority(t testing.TB, name, kind string) *authority {
	t.Helper()
	key := newKey(t, kind)
	tmpl := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "Test CA " + name, Organization: []string{"Test"}},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(1000 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	crt := sign(t, tmpl, tmpl, key.Public(), key)
	return &authority{revocation.Issuer{Name: name, Certificate: crt, Signer: key, IDPURL: "https://ca.example/1.0/crl"}, key}
}

func sign(t testing.TB, tmpl, parent *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, key)
	if err != nil {
		t.Fatal(err)
	}
	crt, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return crt
}

// leaf returns a certificate of the authority, good for a day.
func (a *authority) leaf(t testing.TB, serial *big.Int) *x509.Certificate {
	t.Helper()
	tmpl := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "leaf"},
		NotBefore:    time.Now().Add(-time.Minute),
		NotAfter:     time.Now().Add(24 * time.Hour),

		// OpenSSL wants it to be what the list's distribution point says.
		CRLDistributionPoints: []string{a.IDPURL},
	}
	return sign(t, tmpl, a.Certificate, newKey(t, "P-256").Public(), a.key)
}

// crlOn makes lists on revocation.
var crlOn = revocation.CRLSettings{Enabled: true, GenerateOnRevoke: true}

// start returns a service that runs until the test ends, and its store.
func start(t testing.TB, engine kv.Engine, cfg revocation.Config) *revocation.Service {
	t.Helper()
	if cfg.Store == nil {
		cfg.Store = store.New(engine, store.Options{Now: cfg.Now})
	}
	s, err := revocation.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return s
}

func startOne(t testing.TB, crl revocation.CRLSettings) (*revocation.Service, *authority) {
	t.Helper()
	a := newAuthority(t, "default", "P-256")
	return start(t, mem.New(), revocation.Config{
		Settings: revocation.Settings{Issuers: []revocation.Issuer{a.Issuer}, CRL: crl},
	}), a
}

// token is evidence for one serial number.
func token(serial string) *revocation.Evidence {
	return &revocation.Evidence{
		Token:       &revocation.Token{Subject: serial, OneTime: &ca.OneTimeID{ID: "token of " + serial, Expires: time.Now().Add(time.Hour)}},
		Provisioner: ca.ProvisionerRef{ID: "admin:kid", Name: "admin", Type: "JWK"},
	}
}

func revoke(t testing.TB, s *revocation.Service, serial string, reason int) {
	t.Helper()
	req := &revocation.Request{Serial: serial, ReasonCode: reason, Passive: true}
	if _, err := s.Revoke(t.Context(), req, token(serial)); err != nil {
		t.Fatalf("revoking %s: %v", serial, err)
	}
}

// fetch returns the list of an issuer as it is served and as crypto/x509 reads it.
func fetch(t testing.TB, s *revocation.Service, issuer string) (*revocation.CRL, *x509.RevocationList) {
	t.Helper()
	c, err := s.CRL(t.Context(), issuer)
	if err != nil {
		t.Fatalf("CRL(%q): %v", issuer, err)
	}
	parsed, err := x509.ParseRevocationList(c.DER())
	if err != nil {
		t.Fatalf("CRL(%q): %v", issuer, err)
	}
	return c, parsed
}

// listed returns serial:reason of each entry.
func listed(l *x509.RevocationList) map[string]int {
	m := make(map[string]int)
	for _, e := range l.RevokedCertificateEntries {
		m[e.SerialNumber.String()] = e.ReasonCode
	}
	return m
}

func same(a, b map[string]int) bool { return fmt.Sprint(a) == fmt.Sprint(b) }
