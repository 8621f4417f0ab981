package issue_test

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
	"errors"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"stepca/ca"
	"stepca/issue"
	"stepca/kms"
	"stepca/kv/mem"
	"stepca/policy"
	"stepca/store"
)

// now is the clock of all tests here.
var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newAuthority makes a root and an intermediate; edit changes the intermediate.
func newAuthority(t testing.TB, edit func(*x509.Certificate)) *issue.Authority {
	t.Helper()
	sign := func(tmpl, parent *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) *x509.Certificate {
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
	caTemplate := func(cn string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: cn}, IsCA: true, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(10 * 365 * 24 * time.Hour),
		}
	}
	rootKey, key := newKey(t), newKey(t)
	rootTemplate := caTemplate("Root")
	root := sign(rootTemplate, rootTemplate, rootKey.Public(), rootKey)
	tmpl := caTemplate("Intermediate")
	if edit != nil {
		edit(tmpl)
	}
	crt := sign(tmpl, root, key.Public(), rootKey)
	return &issue.Authority{Name: issue.DefaultAuthority, Chain: []*x509.Certificate{crt}, Roots: []*x509.Certificate{root}, Key: kms.Local(key)}
}

func newIssuer(t testing.TB, cfg issue.Config) (*issue.Issuer, *store.Store) {
	t.Helper()
	clock := func() time.Time { return now }
	db := store.New(mem.New(), store.Options{Now: clock})
	cfg.Store, cfg.Now = db, clock
	if cfg.Authorities == nil {
		cfg.Authorities = []*issue.Authority{newAuthority(t, nil)}
	}
	i, err := issue.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return i, db
}

func newCSR(t testing.TB, key crypto.Signer, tmpl x509.CertificateRequest) *x509.CertificateRequest {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &tmpl, key)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	return csr
}

// grantFor is what a JWK provisioner grants a token with these names.
func grantFor(names ...string) *ca.Grant {
	return &ca.Grant{
		Operation:   ca.SignX509,
		Provisioner: ca.ProvisionerRef{ID: "admin:kid", Name: "admin", Type: "JWK"},
		Extension:   &ca.ProvisionerExtension{Type: ca.TypeJWK, Name: []byte("admin"), CredentialID: []byte("kid")},
		Limits:      ca.Limits{Min: 5 * time.Minute, Default: 24 * time.Hour, Max: 24 * time.Hour},
		OneTime:     &ca.OneTimeID{ID: strings.Join(names, ","), Expires: now.Add(time.Hour)},
		CSR:         ca.CSRRules{CommonNames: names, Names: ca.NamesExact},
		Subject:     pkix.Name{CommonName: names[0]},
		SANs:        ca.ParseSANs(names),
		Template:    ca.Template{Default: ca.TemplateLeaf},
	}
}

func authorize(g *ca.Grant) issue.Authorize {
	return func(context.Context, *ca.Request) (*ca.Grant, error) { return g, nil }
}

func TestX509(t *testing.T) {
	t.Parallel()
	i, db := newIssuer(t, issue.Config{})
	grant := grantFor("a.example.com", "10.0.0.1", "joe@example.com", "https://example.com/x")
	crt, err := i.X509(t.Context(), &ca.Request{Operation: ca.SignX509, CSR: newCSR(t, newKey(t), x509.CertificateRequest{})}, authorize(grant))
	if err != nil {
		t.Fatal(err)
	}
	leaf := crt.Leaf
	if leaf.Subject.CommonName != "a.example.com" || len(leaf.DNSNames) != 1 || len(leaf.IPAddresses) != 1 || len(leaf.EmailAddresses) != 1 || len(leaf.URIs) != 1 {
		t.Errorf("names are %v %v %v %v %v", leaf.Subject, leaf.DNSNames, leaf.IPAddresses, leaf.EmailAddresses, leaf.URIs)
	}
	if want := now.Add(-time.Minute); !leaf.NotBefore.Equal(want) {
		t.Errorf("NotBefore = %v, want %v", leaf.NotBefore, want)
	}
	if want := now.Add(24 * time.Hour); !leaf.NotAfter.Equal(want) {
		t.Errorf("NotAfter = %v, want %v", leaf.NotAfter, want)
	}
	var order []string
	for _, e := range leaf.Extensions {
		order = append(order, e.Id.String())
	}
	if got, want := strings.Join(order, " "), "2.5.29.15 2.5.29.37 2.5.29.14 2.5.29.35 2.5.29.17 1.3.6.1.4.1.37476.9000.64.1"; got != want {
		t.Errorf("extensions are %s, want %s", got, want)
	}
	roots, inter := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(i.Authority("").Roots[0])
	inter.AddCert(crt.Chain[1])
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: inter, CurrentTime: now, DNSName: "a.example.com"}); err != nil {
		t.Error(err)
	}
	if rec, err := db.Certificate(t.Context(), leaf.SerialNumber); err != nil || rec.TokenID != grant.OneTime.ID {
		t.Errorf("record = %+v, %v", rec, err)
	}
}

func TestX509Refusals(t *testing.T) {
	t.Parallel()
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	duration := func(d time.Duration) ca.TimeOrDuration { return ca.TimeOrDuration{Duration: d} }
	custom := func(source string) func(*ca.Grant) {
		return func(g *ca.Grant) { g.Template = ca.Template{Source: source} }
	}
	tests := []struct {
		name string
		csr  x509.CertificateRequest
		key  crypto.Signer
		req  ca.Request
		edit func(*ca.Grant)
		kind error
		text string
	}{
		{name: "weak RSA key", key: weak, kind: ca.ErrForbidden, text: "certificate request RSA key must be at least 2048 bits (256 bytes)"},
		{name: "foreign common name", csr: x509.CertificateRequest{Subject: pkix.Name{CommonName: "b.example.com"}}, kind: ca.ErrForbidden, text: "certificate request does not contain the valid common name - got b.example.com, want a.example.com"},
		{name: "foreign DNS name", csr: x509.CertificateRequest{DNSNames: []string{"b.example.com"}}, kind: ca.ErrForbidden, text: "certificate request does not contain the valid DNS names - got [b.example.com], want [a.example.com]"},
		{name: "extra IP address", csr: x509.CertificateRequest{IPAddresses: []net.IP{net.IPv4(10, 0, 0, 1)}}, kind: ca.ErrForbidden, text: "certificate request does not contain the valid IP addresses - got [10.0.0.1], want []"},
		{name: "too long", req: ca.Request{NotAfter: duration(25 * time.Hour)}, kind: ca.ErrForbidden, text: "requested duration of 25h1m0s is more than the authorized maximum certificate duration of 24h1m0s"},
		{name: "too short", req: ca.Request{NotAfter: duration(3 * time.Minute)}, kind: ca.ErrForbidden, text: "requested duration of 4m0s is less than the authorized minimum certificate duration of 5m0s"},
		{name: "in the past", req: ca.Request{NotBefore: duration(-2 * time.Hour), NotAfter: duration(time.Hour)}, kind: ca.ErrMalformed, text: "notAfter cannot be in the past"},
		{name: "fingerprint", edit: func(g *ca.Grant) { g.CSR.Fingerprint = "AAAA" }, kind: ca.ErrForbidden, text: `certificate request fingerprint does not match "AAAA"`},
		{name: "template refuses", edit: custom(`{{ fail "not today" }}`), kind: ca.ErrMalformed, text: "not today"},
		{name: "template output", edit: custom(`{"keyUsage": "dig"}`), text: "error applying certificate template"},
		{name: "CA copied from the request", csr: caRequest(t), edit: custom(`{{ toJson .Insecure.CR }}`), kind: ca.ErrForbidden, text: "the certificate request asks for a CA certificate"},
		{name: "malformed name", edit: func(g *ca.Grant) { g.SANs = ca.ParseSANs([]string{"a..b"}); g.CSR.Names = ca.NamesAny }, kind: ca.ErrRejectedIdentifier, text: `dns name "a..b" is invalid: empty label`},
		{name: "unknown issuer", edit: func(g *ca.Grant) { g.Issuer = "nope" }, text: `issuer "nope" is not configured`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			i, db := newIssuer(t, issue.Config{})
			grant := grantFor("a.example.com")
			if tt.edit != nil {
				tt.edit(grant)
			}
			key := tt.key
			if key == nil {
				key = newKey(t)
			}
			req := tt.req
			req.Operation, req.CSR = ca.SignX509, newCSR(t, key, tt.csr)
			_, err := i.X509(t.Context(), &req, authorize(grant))
			if err == nil {
				t.Fatal("a certificate was issued")
			}
			if tt.kind != nil && !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error is %q (%v), want %v with %q", err, issue.Reason(err), tt.kind, tt.text)
			}
			if err := db.SpendToken(t.Context(), grant.OneTime); err != nil {
				t.Errorf("a refused request spent its token: %v", err)
			}
		})
	}
}

// caRequest asks for basicConstraints with cA set.
func caRequest(t *testing.T) x509.CertificateRequest {
	return x509.CertificateRequest{
		Subject:         pkix.Name{CommonName: "a.example.com"},
		ExtraExtensions: []pkix.Extension{{Id: []int{2, 5, 29, 19}, Critical: true, Value: []byte{0x30, 0x03, 0x01, 0x01, 0xff}}},
	}
}

func TestTokenIsSpentOnce(t *testing.T) {
	t.Parallel()
	i, _ := newIssuer(t, issue.Config{})
	csr := newCSR(t, newKey(t), x509.CertificateRequest{})
	const racers = 16
	var wg sync.WaitGroup
	errs := make([]error, racers)
	for n := range racers {
		wg.Go(func() {
			_, errs[n] = i.X509(t.Context(), &ca.Request{Operation: ca.SignX509, CSR: csr}, authorize(grantFor("a.example.com")))
		})
	}
	wg.Wait()
	issued := 0
	for _, err := range errs {
		switch {
		case err == nil:
			issued++
		case !errors.Is(err, ca.ErrUnauthorized) || !errors.Is(err, store.ErrTokenUsed):
			t.Errorf("refused with %v, want ErrUnauthorized", err)
		}
	}
	if issued != 1 {
		t.Errorf("one token gave %d certificates", issued)
	}
}

func TestExplicitCATemplate(t *testing.T) {
	t.Parallel()
	i, _ := newIssuer(t, issue.Config{Authorities: []*issue.Authority{newAuthority(t, func(c *x509.Certificate) { c.MaxPathLen = 1 })}})
	grant := grantFor("Sub CA")
	grant.CSR.CommonNames = nil
	grant.SANs = nil
	grant.Template = ca.Template{Source: `{"subject": {{ toJson .Subject }}, "keyUsage": ["certSign","crlSign"], "basicConstraints": {"isCA": true, "maxPathLen": 0}}`}
	crt, err := i.X509(t.Context(), &ca.Request{Operation: ca.SignX509, CSR: newCSR(t, newKey(t), caRequest(t))}, authorize(grant))
	if err != nil {
		t.Fatal(err)
	}
	if !crt.Leaf.IsCA {
		t.Error("the operator's template asks for a CA certificate; the result is none")
	}
}

func TestRenewAndRekey(t *testing.T) {
	t.Parallel()
	i, _ := newIssuer(t, issue.Config{})
	first, err := i.X509(t.Context(), &ca.Request{Operation: ca.SignX509, NotAfter: ca.TimeOrDuration{Duration: 2 * time.Hour}, CSR: newCSR(t, newKey(t), x509.CertificateRequest{})}, authorize(grantFor("a.example.com")))
	if err != nil {
		t.Fatal(err)
	}
	old := first.Leaf
	grant := &ca.Grant{Operation: ca.RenewX509, Renew: old}
	renewed, err := i.X509(t.Context(), &ca.Request{Operation: ca.RenewX509}, authorize(grant))
	if err != nil {
		t.Fatal(err)
	}
	leaf := renewed.Leaf
	if leaf.SerialNumber.Cmp(old.SerialNumber) == 0 || string(leaf.RawSubject) != string(old.RawSubject) || !old.PublicKey.(*ecdsa.PublicKey).Equal(leaf.PublicKey) {
		t.Error("a renewal keeps subject and key and has another serial number")
	}
	if got, want := leaf.NotAfter.Sub(leaf.NotBefore), old.NotAfter.Sub(old.NotBefore); got != want {
		t.Errorf("renewed for %v, want %v", got, want)
	}
	if leaf.Extensions[0].Id.String() != "2.5.29.35" || len(leaf.Extensions) != len(old.Extensions) {
		t.Errorf("extensions of the renewal are %v", leaf.Extensions)
	}

	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rekeyed, err := i.X509(t.Context(), &ca.Request{Operation: ca.RekeyX509, CSR: newCSR(t, edKey, x509.CertificateRequest{})}, authorize(grant))
	if err != nil {
		t.Fatal(err)
	}
	if string(rekeyed.Leaf.SubjectKeyId) == string(old.SubjectKeyId) {
		t.Error("a rekey has another subject key identifier")
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.X509(t.Context(), &ca.Request{Operation: ca.RekeyX509, CSR: newCSR(t, weak, x509.CertificateRequest{})}, authorize(grant)); !errors.Is(err, ca.ErrForbidden) {
		t.Errorf("rekey to a weak key: %v, want ErrForbidden", err)
	}
}

func TestClampedToIssuer(t *testing.T) {
	t.Parallel()
	end := now.Add(2 * time.Hour)
	i, _ := newIssuer(t, issue.Config{Authorities: []*issue.Authority{newAuthority(t, func(c *x509.Certificate) { c.NotAfter = end })}})
	crt, err := i.X509(t.Context(), &ca.Request{Operation: ca.SignX509, CSR: newCSR(t, newKey(t), x509.CertificateRequest{})}, authorize(grantFor("a.example.com")))
	if err != nil {
		t.Fatal(err)
	}
	if !crt.Leaf.NotAfter.Equal(end) {
		t.Errorf("NotAfter = %v, want the issuer's %v", crt.Leaf.NotAfter, end)
	}
}

func TestNameConstraintsAndPolicy(t *testing.T) {
	t.Parallel()
	rules, err := policy.NewX509(&policy.X509Options{Deny: &policy.X509Names{DNS: []string{"secret.example.com"}}})
	if err != nil {
		t.Fatal(err)
	}
	constrained := newAuthority(t, func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical = true
		c.PermittedDNSDomains = []string{"example.com"}
		c.ExcludedIPRanges = []*net.IPNet{{IP: net.IPv4zero, Mask: net.CIDRMask(0, 32)}}
	})
	i, _ := newIssuer(t, issue.Config{Authorities: []*issue.Authority{constrained}, Policy: rules})
	raw := `{"subject":{{toJson .Subject}},"extensions":[{"id":"2.5.29.17","value":"MA2CC2V2aWwub3RoZXIw"}]}`
	for name, ok := range map[string]bool{"a.example.com": true, "example.com": true, "badexample.com": false, "10.0.0.1": false, "secret.example.com": false} {
		_, err := i.X509(t.Context(), &ca.Request{Operation: ca.SignX509, CSR: newCSR(t, newKey(t), x509.CertificateRequest{})}, authorize(grantFor(name)))
		if ok != (err == nil) || !ok && !errors.Is(err, ca.ErrRejectedIdentifier) {
			t.Errorf("%s: %v, want issued: %v", name, err, ok)
		}
	}
	grant := grantFor("b.example.com")
	grant.Template = ca.Template{Source: raw}
	if crt, err := i.X509(t.Context(), &ca.Request{Operation: ca.SignX509, CSR: newCSR(t, newKey(t), x509.CertificateRequest{})}, authorize(grant)); err == nil {
		t.Errorf("a name in a raw extension got past the constraints: %v", crt.Leaf.DNSNames)
	}
}

func TestPointers(t *testing.T) {
	t.Parallel()
	authority := newAuthority(t, nil)
	authority.Pointers = issue.Pointers{IssuingCertificateURL: []string{"http://ca/x.crt"}, CRLDistributionPoints: []string{"http://ca/crl"}}
	i, _ := newIssuer(t, issue.Config{Authorities: []*issue.Authority{authority}})
	for source, want := range map[string]string{
		"": "http://ca/crl",
		`{"sans":{{ toJson .SANs }},"crlDistributionPoints":["http://own/crl"]}`: "http://own/crl",
	} {
		grant := grantFor("a.example.com")
		grant.Template.Source, grant.OneTime = source, nil
		crt, err := i.X509(t.Context(), &ca.Request{Operation: ca.SignX509, CSR: newCSR(t, newKey(t), x509.CertificateRequest{})}, authorize(grant))
		if err != nil {
			t.Fatal(err)
		}
		if got := crt.Leaf.CRLDistributionPoints; len(got) != 1 || got[0] != want || len(crt.Leaf.IssuingCertificateURL) != 1 {
			t.Errorf("template %q: CRL at %v, issuer at %v", source, got, crt.Leaf.IssuingCertificateURL)
		}
	}
}

func TestForceCN(t *testing.T) {
	t.Parallel()
	i, _ := newIssuer(t, issue.Config{})
	plain := `{"sans":{{ toJson .SANs }},"keyUsage":["digitalSignature"]}`
	extended := `{"sans":[{"type":"dns","value":"a.example.com"},{"type":"permanentIdentifier","value":"x"}],"keyUsage":["digitalSignature"]}`
	for _, source := range []string{plain, extended} {
		grant := grantFor("a.example.com")
		grant.ForceCN, grant.Template, grant.OneTime = true, ca.Template{Source: source}, nil
		crt, err := i.X509(t.Context(), &ca.Request{Operation: ca.SignX509, CSR: newCSR(t, newKey(t), x509.CertificateRequest{})}, authorize(grant))
		if err != nil {
			t.Fatal(err)
		}
		if got := crt.Leaf.Subject.CommonName; got != "a.example.com" {
			t.Errorf("%s: common name %q", source, got)
		}
		for _, e := range crt.Leaf.Extensions {
			if e.Id.String() == "2.5.29.17" && e.Critical {
				t.Errorf("%s: alternative names are critical beside a subject", source)
			}
		}
	}
}

func BenchmarkX509(b *testing.B) {
	i, _ := newIssuer(b, issue.Config{})
	csr := newCSR(b, newKey(b), x509.CertificateRequest{DNSNames: []string{"a.example.com"}})
	b.ReportAllocs()
	for b.Loop() {
		grant := grantFor("a.example.com")
		grant.OneTime = nil
		if _, err := i.X509(b.Context(), &ca.Request{Operation: ca.SignX509, CSR: csr}, authorize(grant)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFloor is the signature that no issuance can do without.
func BenchmarkFloor(b *testing.B) {
	a := newAuthority(b, nil)
	key := newKey(b)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"a.example.com"}, NotBefore: now, NotAfter: now.Add(time.Hour)}
	for b.Loop() {
		if _, err := x509.CreateCertificate(rand.Reader, tmpl, a.Certificate(), key.Public(), a.Key); err != nil {
			b.Fatal(err)
		}
	}
}
