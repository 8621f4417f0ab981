package client_test

import (
	"crypto/x509"
	"errors"
	"net/http"
	"testing"
	"time"

	"stepca/api"
	"stepca/ca"
	"stepca/client"
	"stepca/internal/catest"
)

// The life of a certificate with a real CA: token, enrolment, renewal in both
// ways, rekeying, revocation.
func TestLifeOfACertificate(t *testing.T) {
	t.Parallel()
	authority := catest.New(t, catest.Options{})
	ctx := t.Context()
	c, err := client.New(ctx, authority.URL, client.Config{RootFile: authority.RootFile})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := c.JWKProvisioner(ctx, "admin", "", []byte(catest.Password))
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Token(client.TokenOptions{Route: api.PathSign, Subject: "a.local", SANs: []string{"a.local", "10.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	boot, err := client.Bootstrap(ctx, token, client.Config{})
	if err != nil {
		t.Fatal(err)
	}
	id, err := boot.Enroll(ctx, token, client.IdentityConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer id.Close()
	crt := id.Certificate()
	if len(crt.Leaf.DNSNames) != 1 || len(crt.Leaf.IPAddresses) != 1 || len(crt.Certificate) != 2 {
		t.Fatalf("certificate for %v %v with a chain of %d", crt.Leaf.DNSNames, crt.Leaf.IPAddresses, len(crt.Certificate))
	}

	own, err := c.WithCertificate(crt)
	if err != nil {
		t.Fatal(err)
	}
	renewed, err := own.Renew(ctx)
	if err != nil {
		t.Fatalf("Renew: %v", err)
	}
	if _, err := client.Certificate(renewed, crt.PrivateKey); err != nil {
		t.Errorf("renewed certificate: %v", err)
	}
	bearer, err := client.RenewToken(crt, c.Audience()+api.PathRenew, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.RenewWithToken(ctx, bearer); err != nil {
		t.Errorf("RenewWithToken: %v", err)
	}
	if _, err := c.RenewWithToken(ctx, bearer); err == nil {
		t.Error("a renewal token worked twice")
	}

	key := newKey(t)
	csr, err := client.NewCSR(key, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	rekeyed, err := own.Rekey(ctx, csr)
	if err != nil {
		t.Fatalf("Rekey: %v", err)
	}
	next, err := client.Certificate(rekeyed, key)
	if err != nil {
		t.Fatalf("rekeyed certificate: %v", err)
	}

	if err := own.Revoke(ctx, &api.RevokeRequest{Serial: crt.Leaf.SerialNumber.String(), Passive: true}); err != nil {
		t.Fatalf("Revoke with the certificate: %v", err)
	}
	revocation, err := signer.Token(client.TokenOptions{Route: api.PathRevoke, Subject: next.Leaf.SerialNumber.String()})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Revoke(ctx, &api.RevokeRequest{Serial: next.Leaf.SerialNumber.String(), Token: revocation, Passive: true}); err != nil {
		t.Fatalf("Revoke with a token: %v", err)
	}
	_, err = own.Renew(ctx)
	if refused, ok := errors.AsType[*api.Error](err); !ok || refused.Status != http.StatusUnauthorized || refused.RequestID == "" {
		t.Errorf("renewing what was revoked = %#v, want a refusal with status 401 and a request ID", err)
	}
}

func TestReadingRoutes(t *testing.T) {
	t.Parallel()
	authority := catest.New(t, catest.Options{Edit: func(cfg map[string]any) {
		cfg["crl"] = map[string]any{"enabled": true}
	}})
	ctx := t.Context()
	c, err := client.New(ctx, authority.URL, client.Config{Fingerprint: authority.Fingerprint})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := c.Version(ctx); err != nil || v.Version == "" {
		t.Errorf("Version = %+v, %v", v, err)
	}
	issuers, err := c.Intermediates(ctx)
	if err != nil || len(issuers) != 1 {
		t.Fatalf("Intermediates = %v, %v, want one", issuers, err)
	}
	crl, err := c.CRL(ctx)
	if err != nil {
		t.Fatalf("CRL: %v", err)
	}
	if err := crl.CheckSignatureFrom(issuers[0]); err != nil {
		t.Errorf("CRL: %v", err)
	}
	for name, f := range map[string]func() ([]*x509.Certificate, error){
		"Roots":      func() ([]*x509.Certificate, error) { return c.Roots(ctx) },
		"Federation": func() ([]*x509.Certificate, error) { return c.Federation(ctx) },
	} {
		if certs, err := f(); err != nil || len(certs) != 1 || !certs[0].Equal(authority.Root) {
			t.Errorf("%s = %v, %v, want the root", name, certs, err)
		}
	}
	if key, err := c.EncryptedKey(ctx, authority.Key.KeyID); err != nil || key == "" {
		t.Errorf("EncryptedKey = %q, %v", key, err)
	}
	if admin, err := c.HasAdminAPI(ctx); err != nil || admin {
		t.Errorf("HasAdminAPI = %t, %v, want false", admin, err)
	}
}

// An identity replaces its certificate by itself, and servers and clients made
// from it before present the new one.
func TestIdentityRenewsItself(t *testing.T) {
	t.Parallel()
	authority := catest.New(t, catest.Options{})
	token := authority.Token("localhost", []string{"localhost"}, nil)
	c, err := client.Bootstrap(t.Context(), token, client.Config{})
	if err != nil {
		t.Fatal(err)
	}
	const validity = time.Hour
	id, err := c.Enroll(t.Context(), token, client.IdentityConfig{
		NotAfter:    ca.TimeOrDuration{Duration: validity},
		RenewBefore: validity - time.Second,
		Jitter:      time.Nanosecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer id.Close()
	url := serve(t, id, nil)
	hc := id.HTTPClient()
	presented := func() string {
		resp, err := hc.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.TLS.PeerCertificates[0].SerialNumber.String()
	}
	first := presented()
	for deadline := time.Now().Add(time.Minute); presented() == first; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the first certificate is still presented after a minute")
		}
	}
}
