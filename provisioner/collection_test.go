package provisioner

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"stepca/ca"
)

func TestCollisions(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "", []string{}...)
	withID := func(raw, id string) Provisioner {
		p := must(Parse(json.RawMessage(raw)))
		p.SetID(id)
		return p
	}
	oidc := func(name string) string { return `{"type":"OIDC","name":"` + name + `","clientID":"c"}` }
	for _, tt := range []struct {
		name string
		a, b Provisioner
		want string
	}{
		{"same client", withID(oidc("a"), ""), withID(oidc("b"), ""), `cannot add multiple provisioners with the same id: "a" and "b"`},
		{"same name", withID(`{"type":"ACME","name":"a"}`, ""), withID(`{"type":"SSHPOP","name":"a"}`, ""), `cannot add multiple provisioners with the same name: "a" and "a"`},
		{"same token identifier", withID(oidc("a"), "1"), withID(oidc("b"), "2"), `cannot add multiple provisioners with the same token identifier: "a" and "b"`},
		{"two of K8sSA", withID(`{"type":"K8sSA","name":"a"}`, ""), withID(`{"type":"k8ssa","name":"b"}`, ""), `cannot have more than one kubernetes service account provisioner: "a" and "b"`},
		{"names differ in case", withID(`{"type":"ACME","name":"a"}`, ""), withID(`{"type":"ACME","name":"A"}`, ""), ""},
		{"same key, other name", withID(f.jwkJSON("a", ""), ""), withID(f.jwkJSON("b", ""), ""), ""},
	} {
		_, err := NewCollection([]Provisioner{tt.a, tt.b}, f.cfg)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if _, ok := errors.AsType[*CollisionError](err); ok != (tt.want != "") {
			t.Errorf("%s: %T", tt.name, err)
		}
	}
	_, err := NewCollection(append([]Provisioner{withID(`{"type":"ACME","name":"x"}`, ""), withID(`{"type":"ACME","name":"x"}`, "")},
		withID(oidc("a"), ""), withID(oidc("b"), "")), f.cfg)
	if err == nil || strings.Count(err.Error(), "cannot add") != 2 {
		t.Errorf("two collisions: %v", err)
	}
}

func TestAuthorityClaims(t *testing.T) {
	t.Parallel()
	zero := ca.Duration(0)
	_, err := NewCollection(nil, Config{Claims: &Claims{MinTLSCertDuration: &zero}})
	if want := "error generating provisioner config: claims: MinTLSCertDuration must be greater than 0"; err == nil || err.Error() != want {
		t.Errorf("NewCollection = %v, want %s", err, want)
	}
}

func TestLookups(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `"encryptedKey":"first"`, []string{}...)
	c := f.collect(f.jwkJSON("a", `"encryptedKey":"first"`), f.jwkJSON("b", `"encryptedKey":"last"`), f.jwkJSON("c", ""),
		`{"type":"ACME","name":"acme"}`, `{"type":"ACME","name":"broken","challenges":["x"]}`)
	if key, ok := c.EncryptedKey(f.key.KeyID); !ok || key != "last" {
		t.Errorf("EncryptedKey = %q, %v", key, ok)
	}
	if key, ok := c.EncryptedKey("x"); ok {
		t.Errorf("EncryptedKey of no key = %q", key)
	}
	if p, ok := c.ByTokenID("a:" + f.key.KeyID); !ok || p.Ref().Name != "a" {
		t.Errorf("ByTokenID = %v, %v", p, ok)
	}
	if p, ok := c.ByID("acme/acme"); !ok || p.Ref().Name != "acme" {
		t.Errorf("ByID = %v, %v", p, ok)
	}
	if len(c.All()) != 5 {
		t.Errorf("All has %d", len(c.All()))
	}
	if p, err := c.ACME("acme"); err != nil || p.Name != "acme" {
		t.Errorf("ACME = %v, %v", p, err)
	}
	for name, want := range map[string]error{"a": ca.ErrNotFound, "none": ca.ErrNotFound, "broken": ca.ErrUnauthorized} {
		if _, err := c.ACME(name); !errors.Is(err, want) {
			t.Errorf("ACME(%s): %v, want %v", name, err, want)
		}
	}
}

// A provisioner with a fault of its own stays, says why in the log, and refuses
// with a sentence for the requester.
func TestUninitialized(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `"options":{"x509":{"templateFile":"no/such.tpl"}}`, []string{}...)
	const reason = `options.x509: reading templateFile "no/such.tpl": `
	if failures := f.Failures(); len(failures) != 1 || !strings.HasPrefix(failures[0].Err.Error(), reason) ||
		!errors.Is(failures[0].Err, fs.ErrNotExist) || strings.Contains(failures[0].Err.Error(), f.cfg.StepPath) {
		t.Errorf("Failures = %v", failures)
	}
	if !strings.Contains(f.log.String(), `failed to initialize JWK provisioner \"jwk\": options.x509`) {
		t.Errorf("log: %s", f.log.String())
	}
	_, err := f.X509(context.Background(), &ca.Request{Token: f.token(f.claims("https://localhost/sign"))})
	if want := `provisioner "jwk" is disabled due to an initialization error`; outcome(nil, err) != "401" || detail(err) != want {
		t.Errorf("X509 = %v, told %q", err, detail(err))
	}
	if f.Templates() != nil {
		t.Errorf("Templates = %v", f.Templates())
	}
}

func TestTokenFlowNotSupported(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	_, err := f.X509(context.Background(), &ca.Request{Token: f.token(f.claims("https://localhost/sign#acme/acme"))})
	if !errors.Is(err, ca.ErrMalformed) || detail(err) != "token flow is not supported" {
		t.Errorf("a token for an ACME provisioner: %v", err)
	}
	_, err = f.SSHRenew(context.Background(), &ca.SSHRequest{Token: f.token(f.claims("https://localhost/ssh/renew").with("iss", "jwk"))}, records{})
	if !strings.Contains(err.Error(), "provisioner.AuthorizeSSHRenew not implemented") {
		t.Errorf("renewing SSH with a JWK token: %v", err)
	}
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "", []string{}...)
	if err := os.WriteFile(filepath.Join(f.cfg.StepPath, "leaf.tpl"), []byte("{file}"), 0o600); err != nil {
		t.Fatal(err)
	}
	absolute := filepath.Join(t.TempDir(), "ssh.tpl")
	if err := os.WriteFile(absolute, []byte("not a brace"), 0o600); err != nil {
		t.Fatal(err)
	}
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := filepath.Rel(wd, absolute)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ options, x509, ssh, fault string }{
		{`{}`, "", "", ""},
		{`{"x509":{"template":"  {{ x }} "}}`, "{{ x }}", "", ""},
		{`{"x509":{"template":"e30="},"ssh":{"template":"{s}"}}`, "{}", "{s}", ""},
		{`{"x509":{"template":"*"}}`, "", "", "options.x509: template neither begins with"},
		{`{"x509":{"templateFile":"leaf.tpl"},"ssh":{"templateFile":` + strconv.Quote(absolute) + `}}`, "{file}", "not a brace", ""},
		{`{"x509":{"templateFile":` + strconv.Quote(elsewhere) + `}}`, "not a brace", "", ""}, // ../, of the working directory
		{`{"x509":{"template":"{inline}","templateFile":"missing.tpl"}}`, "{inline}", "", ""},
		{`{"ssh":{"templateFile":"missing.tpl"}}`, "", "", "options.ssh: reading templateFile"},
		{`{"x509":{"templateData":[]}}`, "", "", "options.x509: templateData is not a JSON object"},
		{`{"webhooks":[{}]}`, "", "", "webhook name is required"},
		{`{"webhooks":[{"name":"n","url":"x"}]}`, "", "", "webhook url is invalid"},
		{`{"webhooks":[{"name":"n","url":"http://h.test"}]}`, "", "", "webhook url must use https"},
		{`{"webhooks":[{"name":"n","url":"https://u:p@h.test"}]}`, "", "", "webhook url may not contain username or password"},
		{`{"webhooks":[{"name":"n","url":"https://h.test"}]}`, "", "", "webhook kind is required"},
		{`{"webhooks":[{"name":"n","url":"https://h.test","kind":"x"}]}`, "", "", "webhook kind is invalid"},
		{`{"webhooks":[{"name":"n","url":"https://h.test","kind":"NOTIFYING","certType":"x"}]}`, "", "", "webhook certType is invalid"},
	} {
		c := f.collect(f.jwkJSON("jwk", `"options":`+tt.options))
		p, _ := c.ByName("jwk")
		fault := ""
		if failures := c.Failures(); failures != nil {
			fault = failures[0].Err.Error()
		}
		if !strings.HasPrefix(fault, tt.fault) || (tt.fault == "") != (fault == "") {
			t.Errorf("%s: fault %q, want %q", tt.options, fault, tt.fault)
		}
		if fault != "" {
			continue
		}
		if p.X509Template().Source != tt.x509 || p.SSHTemplate().Source != tt.ssh {
			t.Errorf("%s: X.509 %q, SSH %q", tt.options, p.X509Template().Source, p.SSHTemplate().Source)
		}
		want := 0
		for _, source := range []string{tt.x509, tt.ssh} {
			if source != "" {
				want++
			}
		}
		if got := len(c.Templates()); got != want {
			t.Errorf("%s: %d templates, want %d", tt.options, got, want)
		}
	}
}

func TestACMEOptions(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "", []string{}...)
	roots := string(must(json.Marshal(pemOf(f.root))))
	for _, tt := range []struct{ members, fault string }{
		{`"challenges":["HTTP-01","device-attest-01"],"attestationFormats":["TPM","android-key"]`, ""},
		{`"challenges":["dns-account-01","DNS-PERSIST-01"],"caaIdentities":["ca.example.com"]`, ""},
		{`"challenges":["dns-persist-01"]`, "the challenge dns-persist-01 needs caaIdentities, the names that its records have for this authority"},
		{`"checkCAA":true,"caaIdentities":["ca.example.com"]`, ""},
		{`"checkCAA":true`, "checkCAA needs caaIdentities, the names that CAA records may have for this authority"},
		{`"termsOfService":"https://ca.example/tos","requireTermsOfService":true`, ""},
		{`"requireTermsOfService":true`, "requireTermsOfService needs termsOfService, the URL of what clients have to agree to"},
		{`"challenges":["ftp-01"]`, `acme challenge "ftp-01" is not supported`},
		{`"challenges":["wire-oidc-01"]`, `acme challenge "wire-oidc-01" is not supported by this version`},
		{`"attestationFormats":["x"]`, `acme attestation format "x" is not supported`},
		{`"attestationRoots":` + roots, ""},
		{`"attestationRoots":"AAAA"`, "error parsing attestationRoots: no certificates found"},
		{`"attestationRoots":"LS0tLS1CRUdJTiBYLS0tLS0KQUFBQQotLS0tLUVORCBYLS0tLS0K"`, "error parsing attestationRoots: malformed certificate"},
	} {
		fault := ""
		if failures := f.collect(`{"type":"ACME","name":"a",` + tt.members + `}`).Failures(); failures != nil {
			fault = failures[0].Err.Error()
		}
		if fault != tt.fault {
			t.Errorf("%s: %q, want %q", tt.members, fault, tt.fault)
		}
	}
	c := f.collect(`{"type":"ACME","name":"a","forceCN":true,"challenges":["DNS-01"],"attestationFormats":["Apple"],"attestationRoots":`+roots+`}`,
		`{"type":"ACME","name":"b"}`)
	a, b := must(c.ACME("a")), must(c.ACME("b"))
	for _, tt := range []struct {
		what         string
		inA, inB     bool
		wantA, wantB bool
	}{
		{"dns-01", a.Offers(ca.DNS01), b.Offers(ca.DNS01), true, true},
		{"http-01", a.Offers(ca.HTTP01), b.Offers(ca.HTTP01), false, true},
		{"device-attest-01", a.Offers(ca.DeviceAttest01), b.Offers(ca.DeviceAttest01), false, false},
		{"apple", a.AcceptsAttestation(ca.AttestationApple), b.AcceptsAttestation(ca.AttestationApple), true, true},
		{"android-key", a.AcceptsAttestation(ca.AttestationAndroidKey), b.AcceptsAttestation(ca.AttestationAndroidKey), false, false},
	} {
		if tt.inA != tt.wantA || tt.inB != tt.wantB {
			t.Errorf("%s: %v and %v, want %v and %v", tt.what, tt.inA, tt.inB, tt.wantA, tt.wantB)
		}
	}
	if len(a.Roots()) != 1 || b.Roots() != nil {
		t.Errorf("roots: %d and %d", len(a.Roots()), len(b.Roots()))
	}
	grant, _ := a.OrderGrant("")
	if !grant.ForceCN || grant.Extension.Type != ca.TypeACME || grant.Provisioner.ID != "acme/a" || grant.Limits.Max == 0 {
		t.Errorf("OrderGrant = %+v", grant)
	}
}

// TestWebhooksNobodyCalls: what a webhook guards is not issued by a pipeline that
// does not ask it.
func TestWebhooksNobodyCalls(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "", []string{}...)
	f.cfg.Webhooks = false
	c := f.collect(f.jwkJSON("jwk", `"options":{"webhooks":[{"name":"n","url":"https://h.test","kind":"AUTHORIZING"}]}`))
	if failures := c.Failures(); len(failures) != 1 || !strings.Contains(failures[0].Err.Error(), "calls no webhooks") {
		t.Errorf("failures = %v", failures)
	}
}
