package acmeserver_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	acmez "github.com/mholt/acmez/v3/acme"

	"stepca/internal/catest"
	"stepca/keyfile"
)

// secondIssuer adds an issuer "second" with a root of its own to a configuration.
func secondIssuer(t *testing.T, cfg map[string]any) {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	key, rootKey := newKey(t), newKey(t)
	authority := func(name string, parent *x509.Certificate, pub crypto.PublicKey, signer *ecdsa.PrivateKey) *x509.Certificate {
		tmpl := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour),
		}
		if parent == nil {
			parent = tmpl
		}
		der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, signer)
		if err != nil {
			t.Fatal(err)
		}
		crt, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return crt
	}
	root := authority("Second Root", nil, rootKey.Public(), rootKey)
	keyPEM, err := keyfile.EncodePrivateKey(key, keyfile.PKCS8, nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg["issuers"] = []any{map[string]any{
		"name": "second", "key": write("ca.key", keyPEM),
		"root": write("root.crt", keyfile.EncodeCertificates(root)),
		"crt":  write("ca.crt", keyfile.EncodeCertificates(authority("Second Issuer", root, key.Public(), rootKey))),
	}}
}

// withProfiles gives the provisioner "acme" some profiles.
func withProfiles(p map[string]any) {
	p["claims"] = map[string]any{"maxTLSCertDuration": "48h"}
	p["profiles"] = map[string]any{
		"server": map[string]any{"description": "for web servers", "template": `{"subject": {}, "sans": {{ toJson .SANs }}, "extKeyUsage": ["serverAuth"]}`},
		"short":  map[string]any{"description": "https://ca.example/short", "claims": map[string]any{"maxTLSCertDuration": "1h"}},
		"other":  map[string]any{"description": "another issuer", "issuer": "second"},
	}
}

func newProfiledCA(t *testing.T, edit func(p map[string]any)) *catest.CA {
	t.Helper()
	return newCAWith(t, new(validator), func(p map[string]any) {
		withProfiles(p)
		if edit != nil {
			edit(p)
		}
	}, catest.Options{Edit: func(cfg map[string]any) { secondIssuer(t, cfg) }})
}

// issueProfile is issue with a profile; "" names none.
func (c *client) issueProfile(profile string) (*x509.Certificate, map[string]any) {
	c.t.Helper()
	payload := map[string]any{"identifiers": ids("a.example")}
	if profile != "" {
		payload["profile"] = profile
	}
	r := c.post(c.base+"new-order", payload).want(http.StatusCreated)
	order := r.json()
	c.prove(order)
	done := c.post(order["finalize"].(string), map[string]any{"csr": csr(c.t, newKey(c.t), "a.example")}).want(http.StatusOK).json()
	if later := c.post(r.header.Get("Location"), nil).json(); later["profile"] != order["profile"] || done["profile"] != order["profile"] {
		c.t.Errorf("profile of the order: %v, then %v, then %v", order["profile"], done["profile"], later["profile"])
	}
	return parseChain(c.t, c.post(done["certificate"].(string), nil).want(http.StatusOK).body)[0], order
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	cl := newClient(t, newProfiledCA(t, nil)).register()
	meta := cl.send(http.MethodGet, cl.base+"directory").want(http.StatusOK).json()["meta"].(map[string]any)
	want := map[string]any{"server": "for web servers", "short": "https://ca.example/short", "other": "another issuer"}
	if d := cmp.Diff(want, meta["profiles"]); d != "" {
		t.Errorf("meta.profiles (-want +got):\n%s", d)
	}
	for _, tt := range []struct {
		profile string
		life    time.Duration
		usages  int
		issuer  string
	}{
		{"", 24 * time.Hour, 2, "Test Intermediate CA"},
		{"server", 24 * time.Hour, 1, "Test Intermediate CA"},
		{"short", time.Hour, 2, "Test Intermediate CA"},
		{"other", 24 * time.Hour, 2, "Second Issuer"},
	} {
		crt, order := cl.issueProfile(tt.profile)
		const backdate = time.Minute
		if got, _ := order["profile"].(string); got != tt.profile || crt.NotAfter.Sub(crt.NotBefore) != tt.life+backdate ||
			len(crt.ExtKeyUsage) != tt.usages || crt.Issuer.CommonName != tt.issuer {
			t.Errorf("profile %q: order %v; certificate of %s from %s to %s, usages %v", tt.profile, order, crt.Issuer, crt.NotBefore, crt.NotAfter, crt.ExtKeyUsage)
		}
		if order["notAfter"] != crt.NotAfter.Format(time.RFC3339) {
			t.Errorf("profile %q: the order says %v, the certificate %s", tt.profile, order["notAfter"], crt.NotAfter)
		}
	}
}

func TestRefusedProfiles(t *testing.T) {
	t.Parallel()
	cl := newClient(t, newProfiledCA(t, nil)).register()
	order := func(profile any, life time.Duration) map[string]any {
		return map[string]any{"identifiers": ids("a.example"), "profile": profile, "notAfter": time.Now().Add(life).Format(time.RFC3339)}
	}
	r := cl.post(cl.base+"new-order", order("Short", time.Hour)).problem(http.StatusBadRequest, "invalidProfile")
	if !strings.Contains(string(r.body), "there are other, server, short") {
		t.Errorf("refusal %s", r.body)
	}
	cl.post(cl.base+"new-order", order(7, time.Hour)).problem(http.StatusBadRequest, "malformed")
	cl.post(cl.base+"new-order", order("short", 2*time.Hour)).problem(http.StatusBadRequest, "malformed") // more than the profile allows
	cl.post(cl.base+"new-order", order("server", 40*time.Hour)).want(http.StatusCreated)

	other := newClient(t, cl.ca)
	other.base = strings.Replace(cl.base, "/acme/acme/", "/acme/other/", 1)
	other.register().post(other.base+"new-order", order("short", time.Hour)).problem(http.StatusBadRequest, "invalidProfile")
}

func TestDefaultProfile(t *testing.T) {
	t.Parallel()
	c := newProfiledCA(t, func(p map[string]any) { p["defaultProfile"] = "short" })
	cl := newClient(t, c).register()
	if crt, order := cl.issueProfile(""); order["profile"] != "short" || crt.NotAfter.Sub(crt.NotBefore) > 2*time.Hour {
		t.Errorf("order %v, certificate from %s to %s", order, crt.NotBefore, crt.NotAfter)
	}
}

// TestWithdrawnProfile removes a profile while an order has it.
func TestWithdrawnProfile(t *testing.T) {
	t.Parallel()
	c := newProfiledCA(t, nil)
	cl := newClient(t, c).register()
	order := cl.post(cl.base+"new-order", map[string]any{"identifiers": ids("a.example"), "profile": "short"}).want(http.StatusCreated).json()
	cl.prove(order)
	cfg := c.ReadConfig()
	for _, p := range cfg["authority"].(map[string]any)["provisioners"].([]any) {
		if p := p.(map[string]any); p["name"] == "acme" {
			delete(p["profiles"].(map[string]any), "short")
		}
	}
	c.WriteConfig(cfg)
	if err := c.Server.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	cl.post(order["finalize"].(string), map[string]any{"csr": csr(t, newKey(t), "a.example")}).problem(http.StatusBadRequest, "invalidProfile")
}

// TestAcmezWithAProfile lets the client of mholt/acmez order with a profile.
func TestAcmezWithAProfile(t *testing.T) {
	t.Parallel()
	c := newProfiledCA(t, nil)
	cl := acmez.Client{Directory: c.URL + "/acme/acme/directory", HTTPClient: c.HTTP(nil), PollInterval: 10 * time.Millisecond}
	ctx := t.Context()
	account, err := cl.NewAccount(ctx, acmez.Account{PrivateKey: newKey(t), TermsOfServiceAgreed: true})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := cl.GetDirectory(ctx)
	if err != nil || dir.Meta == nil || len(dir.Meta.Profiles) != 3 {
		t.Fatalf("directory %+v, %v", dir, err)
	}
	identifiers := []acmez.Identifier{{Type: "dns", Value: "a.example"}}
	order, err := cl.NewOrder(ctx, account, acmez.Order{Identifiers: identifiers, Profile: "server"})
	if err != nil || order.Profile != "server" {
		t.Fatalf("order %+v, %v", order, err)
	}
	authz, err := cl.GetAuthorization(ctx, account, order.Authorizations[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cl.InitiateChallenge(ctx, account, authz.Challenges[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := cl.PollAuthorization(ctx, account, authz); err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{"a.example"}}, newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	if order, err = cl.FinalizeOrder(ctx, account, order, der); err != nil || order.Status != "valid" || order.Profile != "server" {
		t.Errorf("finalized order %+v, %v", order, err)
	}
}
