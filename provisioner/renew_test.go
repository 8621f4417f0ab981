package provisioner

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"stepca/ca"
	"stepca/jose"
)

func pemOf(crt *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: crt.Raw})
}

func TestRenewPeer(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "", slices.Concat(fixtureJSON, renewalJSON)...)
	own := X509Record{Own: true}
	stored := func(name, id string) X509Record {
		return X509Record{Stored: true, Provisioner: ca.ProvisionerRef{ID: id, Name: name}}
	}
	jwkID := "jwk:" + f.key.KeyID
	expired := func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = f.now.Add(-time.Hour), time.Date(2026, 1, 2, 2, 59, 50, 0, time.UTC)
	}
	future := func(c *x509.Certificate) { c.NotBefore, c.NotAfter = f.now.Add(time.Minute), f.now.Add(time.Hour) }
	isCA := func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true }
	unreadable := func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: ca.OIDProvisioner, Value: []byte{1}}}
	}
	for _, tt := range []struct {
		name    string
		crt     *x509.Certificate
		record  X509Record
		want    string
		by      string // provisioner of the grant
		message string // part of the error
	}{
		{"by extension", f.leaf(ca.TypeJWK, "jwk"), own, "grant", "jwk", ""},
		{"by record", f.leaf(ca.TypeNone, ""), stored("jwk", jwkID), "grant", "jwk", ""},
		{"record over extension", f.leaf(ca.TypeACME, "acme"), stored("jwk", jwkID), "grant", "jwk", ""},
		{"record of a former key, same name", f.leaf(ca.TypeJWK, "jwk"), stored("jwk", "jwk:old"), "grant", "jwk", ""},
		{"record of a provisioner that is gone", f.leaf(ca.TypeJWK, "gone"), stored("gone", "gone"), "401", "", `provisioner "gone" of type JWK`},
		{"record of a provisioner that is gone, no extension", f.leaf(ca.TypeNone, ""), stored("gone", "gone"), "401", "", "does not exist any more"},
		{"name of another type", f.leaf(ca.TypeJWK, "acme"), own, "401", "", `provisioner "acme" of type JWK`},
		{"signed by us, without extension", f.leaf(ca.TypeNone, ""), own, "grant", "", ""},
		{"signed by another CA under our root", f.leaf(ca.TypeJWK, "jwk"), X509Record{}, "401", "", "not issued by this CA"},
		{"revoked", f.leaf(ca.TypeJWK, "jwk"), X509Record{Own: true, Revoked: true}, "401", "", "certificate has been revoked"},
		{"a CA's", f.leaf(ca.TypeJWK, "jwk", isCA), own, "401", "", "that of a CA"},
		{"expired", f.leaf(ca.TypeJWK, "jwk", expired), own, "401", "", "The request lacked necessary authorization to be completed: certificate expired on 2026-01-02 02:59:50 +0000 UTC"},
		{"expired, without extension", f.leaf(ca.TypeNone, "", expired), own, "401", "", "certificate expired on"},
		{"expired, allowed", f.leaf(ca.TypeACME, "late", expired), own, "grant", "late", ""},
		{"not valid yet", f.leaf(ca.TypeJWK, "jwk", future), own, "401", "", "certificate is not valid before"},
		{"renewal disabled", f.leaf(ca.TypeACME, "never"), own, "401", "", "renew is disabled for provisioner 'never'"},
		{"provisioner without renewal", f.leaf(ca.TypeSSHPOP, "sshpop"), own, "401", "", "provisioner.AuthorizeRenew not implemented"},
		{"provisioner not initialized", f.leaf(ca.TypeOIDC, "oidc"), own, "401", "", "disabled due to an initialization error"},
		{"unreadable extension", f.leaf(ca.TypeJWK, "jwk", unreadable), own, "401", "", "reading the certificate's provisioner extension"},
	} {
		grant, err := f.Renew(context.Background(), &ca.Request{Operation: ca.RenewX509, Peer: tt.crt, Token: "ignored"}, records{x509: tt.record})
		if got := outcome(grant, err); got != tt.want {
			t.Errorf("%s: %s (%v), want %s", tt.name, got, err, tt.want)
			continue
		}
		if err != nil {
			if !strings.Contains(err.Error(), tt.message) {
				t.Errorf("%s: %v, want %s", tt.name, err, tt.message)
			}
			continue
		}
		if grant.Provisioner.Name != tt.by || grant.Renew != tt.crt || grant.OneTime != nil || grant.Limits.Max != 24*time.Hour {
			t.Errorf("%s: grant = %+v", tt.name, grant)
		}
	}
}

// renewalJSON are provisioners with other rules of renewal.
var renewalJSON = []string{
	`{"type":"ACME","name":"late","claims":{"allowRenewalAfterExpiry":true}}`,
	`{"type":"ACME","name":"never","claims":{"disableRenewal":true}}`,
}

func TestRenewKeepsExtension(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `"claims":{"disableSmallstepExtensions":true}`)
	ra := &ca.RegistrationAuthority{ProvisionerName: "far"}
	crt := f.leaf(ca.TypeJWK, "jwk")
	for _, op := range []ca.Operation{ca.RenewX509, ca.RekeyX509} {
		grant, err := f.Renew(context.Background(), &ca.Request{Operation: op, Peer: crt}, records{x509: X509Record{Own: true, RA: ra}})
		if err != nil {
			t.Fatal(err)
		}
		if grant.Extension == nil || string(grant.Extension.Name) != "jwk" || grant.Operation != op || grant.RA != ra {
			t.Errorf("grant = %+v", grant)
		}
	}
}

func TestRenewBearer(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	at := func(d time.Duration) int64 { return f.now.Add(d).Unix() }
	crt := f.leaf(ca.TypeJWK, "jwk")
	noName := f.leaf(ca.TypeJWK, "jwk", func(c *x509.Certificate) { c.Subject = pkix.Name{} })
	brief := f.leaf(ca.TypeJWK, "jwk", func(c *x509.Certificate) { c.NotBefore, c.NotAfter = f.now, f.now.Add(30*time.Second) })
	serverOnly := &x509.Certificate{Subject: crt.Subject, ExtraExtensions: crt.ExtraExtensions}
	const prefix = "error validating renew token"
	for _, tt := range []struct {
		name   string
		token  string
		record X509Record
		want   string
		detail string
	}{
		{"good", f.bearer(crt, nil), X509Record{Own: true}, "grant", ""},
		{"issued by the provisioner's name", f.bearer(crt, object{"iss": "jwk"}), X509Record{Own: true}, "grant", ""},
		{"with a jti", f.bearer(crt, object{"jti": "x"}), X509Record{Own: true}, "grant", ""},
		{"certificate without common name", f.bearer(noName, object{"sub": "any"}), X509Record{Own: true}, "grant", ""},
		{"certificate of half a minute", f.bearer(brief, nil), X509Record{Own: true}, "grant", ""},
		{"other subject", f.bearer(crt, object{"sub": "x"}), X509Record{Own: true}, "401", prefix + ": invalid subject claim (sub)"},
		{"not valid yet", f.bearer(crt, object{"nbf": at(2 * time.Minute)}), X509Record{Own: true}, "401", prefix + ": token not valid yet (nbf)"},
		{"expired", f.bearer(crt, object{"exp": at(-2 * time.Minute)}), X509Record{Own: true}, "401", prefix + ": token is expired (exp)"},
		{"issued in the future", f.bearer(crt, object{"iat": at(2 * time.Minute)}), X509Record{Own: true}, "401", prefix + ": token issued in the future (iat)"},
		{"without end", f.bearer(crt, object{"exp": nil}), X509Record{Own: true}, "401", prefix + ": missing expiry claim (exp)"},
		{"other audience", f.bearer(crt, object{"aud": "https://localhost/sign"}), X509Record{Own: true}, "401", prefix + ": invalid audience claim (aud)"},
		{"other audience, via an RA", f.bearer(crt, object{"aud": "https://ra.test/renew"}), X509Record{Own: true, RA: &ca.RegistrationAuthority{}}, "grant", ""},
		{"other issuer", f.bearer(crt, object{"iss": "x"}), X509Record{Own: true}, "401", prefix + ": invalid issuer claim (iss)"},
		{"revoked", f.bearer(crt, nil), X509Record{Own: true, Revoked: true}, "401", ""},
		{"of another CA", f.bearer(crt, nil), X509Record{}, "401", ""},
		{"certificate without provisioner", f.bearer(f.leaf(ca.TypeNone, ""), nil), X509Record{Own: true}, "401", ""},
		{"signed by another key", must(jose.SignClaims(object{}, newKey(), jose.SignOptions{Header: map[string]any{"x5cInsecure": jose.EncodeChain([]*x509.Certificate{crt, f.intermediate})}})),
			X509Record{Own: true}, "401", prefix},
		{"without intermediate", must(jose.SignClaims(object{}, f.leafKey, jose.SignOptions{Header: map[string]any{"x5cInsecure": jose.EncodeChain([]*x509.Certificate{crt})}})),
			X509Record{Own: true}, "401", prefix},
		{"without chain", must(jose.SignClaims(object{}, f.leafKey, jose.SignOptions{})), X509Record{Own: true}, "401", prefix},
		{"chain in x5c", must(jose.SignClaims(object{}, f.leafKey, jose.SignOptions{Header: map[string]any{"x5c": jose.EncodeChain([]*x509.Certificate{crt, f.intermediate})}})),
			X509Record{Own: true}, "401", prefix},
		{"chain to another root", f.bearer(f.sign(serverOnly, nil, f.leafKey, f.leafKey), nil), X509Record{Own: true}, "401", prefix},
		{"garbage", "x", X509Record{Own: true}, "401", prefix},
	} {
		grant, err := f.Renew(context.Background(), &ca.Request{Operation: ca.RenewX509, Token: tt.token}, records{x509: tt.record})
		if got := outcome(grant, err); got != tt.want || detail(err) != tt.detail {
			t.Errorf("%s: %s %q (%v), want %s %q", tt.name, got, detail(err), err, tt.want, tt.detail)
			continue
		}
		if grant != nil && (grant.OneTime == nil || len(grant.OneTime.ID) != 64 || !grant.OneTime.Expires.Equal(f.now.Add(6*time.Minute))) {
			t.Errorf("%s: OneTime = %+v, want a digest", tt.name, grant.OneTime)
		}
	}
}

// An expired certificate is renewed by a token where that is allowed.
func TestRenewBearerAfterExpiry(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "", slices.Concat(fixtureJSON, renewalJSON)...)
	for provisioner, want := range map[string]string{"late": "grant", "acme": "401"} {
		crt := f.leaf(ca.TypeACME, provisioner, func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = f.now.Add(-2*time.Hour), f.now.Add(-time.Hour)
		})
		grant, err := f.Renew(context.Background(), &ca.Request{Token: f.bearer(crt, nil)}, records{x509: X509Record{Own: true}})
		if got := outcome(grant, err); got != want {
			t.Errorf("%s: %s (%v), want %s", provisioner, got, err, want)
		}
	}
}

func TestRenewWithoutRoots(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	f.cfg.Roots = nil
	c := f.collect(f.jwkJSON("jwk", ""))
	token := f.bearer(f.leaf(ca.TypeJWK, "jwk"), nil)
	if got := outcome(c.Renew(context.Background(), &ca.Request{Token: token}, records{x509: X509Record{Own: true}})); got != "401" {
		t.Errorf("a renew token at a CA without roots: %s, want 401", got)
	}
}

func TestRenewNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	crt := f.leaf(ca.TypeJWK, "jwk")
	for name, req := range map[string]*ca.Request{
		"renew with nothing": {Operation: ca.RenewX509},
		"rekey with a token": {Operation: ca.RekeyX509, Token: f.bearer(crt, nil)},
	} {
		_, err := f.Renew(context.Background(), req, records{x509: X509Record{Own: true}})
		if !errors.Is(err, ca.ErrMalformed) || detail(err) != "missing client certificate" {
			t.Errorf("%s: %v", name, err)
		}
	}
	broken := errors.New("disk on fire")
	if _, err := f.Renew(context.Background(), &ca.Request{Peer: crt}, records{err: broken}); !errors.Is(err, broken) {
		t.Errorf("with a broken database: %v", err)
	}
}

func TestByCertificate(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	if p, ok := f.ByCertificate(f.leaf(ca.TypeSSHPOP, "sshpop"), X509Record{Own: true}); !ok || p.Ref().Name != "sshpop" {
		t.Errorf("ByCertificate = %v, %v", p, ok)
	}
	if p, ok := f.ByCertificate(f.leaf(ca.TypeNone, ""), X509Record{Own: true}); ok {
		t.Errorf("ByCertificate without extension = %v", p)
	}
}
