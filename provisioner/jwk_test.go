package provisioner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"stepca/ca"
	"stepca/jose"
)

// TestJWKTokens holds tokens against what the reference was seen to do, but for
// hosts in upper case, which it refuses.
func TestJWKTokens(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	const aud = "https://localhost:9000/1.0/sign"
	at := func(d time.Duration) int64 { return f.now.Add(d).Unix() }
	good := f.claims(aud)
	for _, tt := range []struct {
		name   string
		claims object
		want   string
	}{
		{"good", good, "grant"},
		{"no jti", good.with("jti", nil), "grant"},
		{"no exp", good.with("exp", nil), "grant"},
		{"no iat and nbf", good.with("iat", nil).with("nbf", nil), "grant"},
		{"expired 30 s ago", good.with("exp", at(-30*time.Second)), "grant"},
		{"expired 90 s ago", good.with("exp", at(-90*time.Second)), "401"},
		{"exp in ten years", good.with("exp", at(87600*time.Hour)), "grant"},
		{"exp beyond any calendar", good.with("exp", 1e300), "grant"},
		{"exp with a fraction", good.with("exp", float64(at(time.Minute))+0.5), "grant"},
		{"exp is a string", good.with("exp", "1"), "401"},
		{"good in 50 s", good.with("nbf", at(50*time.Second)), "grant"},
		{"good in 90 s", good.with("nbf", at(90*time.Second)), "401"},
		{"issued in 50 s", good.with("iat", at(50*time.Second)), "grant"},
		{"issued in 90 s", good.with("iat", at(90*time.Second)), "401"},
		{"issued when the CA started", good.with("iat", at(-time.Hour)), "grant"},
		{"issued before the CA started", good.with("iat", at(-time.Hour-time.Second)), "401"},
		{"legacy audience", good.with("aud", legacyAudience), "grant"},
		{"audience without port", good.with("aud", "https://localhost/1.0/sign"), "grant"},
		{"audience with another port", good.with("aud", "https://localhost:1/sign"), "grant"},
		{"audience of SSH signing", good.with("aud", "https://localhost/ssh/sign"), "grant"},
		{"audience with IPv4", good.with("aud", "https://127.0.0.1:9/sign"), "grant"},
		{"audience with IPv6", good.with("aud", "https://[::1]:9/1.0/sign"), "grant"},
		{"audience with IPv6 without brackets", good.with("aud", "https://::1/sign"), "401"},
		{"audience among others", good.with("aud", []string{"junk", ":", aud}), "grant"},
		{"audience with a host in upper case", good.with("aud", "https://LOCALHOST/sign"), "grant"},
		{"audience with a scheme in upper case", good.with("aud", "HTTPS://localhost/sign"), "grant"},
		{"audience with an empty fragment", good.with("aud", "https://localhost/sign#"), "grant"},
		{"audience with http", good.with("aud", "http://localhost/sign"), "401"},
		{"audience of revocation", good.with("aud", "https://localhost/revoke"), "401"},
		{"audience with a query", good.with("aud", aud+"?x=1"), "401"},
		{"audience with a final slash", good.with("aud", aud+"/"), "401"},
		{"audience with user information", good.with("aud", "https://u@localhost/sign"), "401"},
		{"audience with a final dot", good.with("aud", "https://localhost./sign"), "401"},
		{"audience with the provisioner's fragment", good.with("aud", aud+"#jwk:"+f.key.KeyID), "401"},
		{"no audience", good.with("aud", nil), "401"},
		{"audience is a number", good.with("aud", 1), "401"},
		{"too many audiences", good.with("aud", append(make([]string, maxAudiences), aud)), "401"},
		{"other issuer", good.with("iss", "jwk2"), "401"},
		{"empty subject", good.with("sub", ""), "401"},
		{"too many names", good.with("sans", make([]string, maxNames+1)), "400"},
		{"sans is a string", good.with("sans", "a"), "401"},
	} {
		grant, err := f.X509(context.Background(), &ca.Request{Token: f.token(tt.claims)})
		if got := outcome(grant, err); got != tt.want {
			t.Errorf("%s: %s (%v), want %s", tt.name, got, err, tt.want)
		}
		if detail(err) != "" && tt.want == "401" {
			t.Errorf("%s: the requester is told %q", tt.name, detail(err))
		}
	}
}

func TestJWKSignature(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	claims := f.claims("https://localhost/sign")
	good := f.token(claims)
	other := must(jose.GenerateJWK())
	parts := strings.Split(good, ".")
	for name, token := range map[string]string{
		"empty":             "",
		"no JWT":            "garbage",
		"other key":         must(jose.SignClaims(claims, other.Key, jose.SignOptions{KeyID: f.key.KeyID})),
		"other key ID":      must(jose.SignClaims(claims, f.key, jose.SignOptions{KeyID: "other"})),
		"no key ID":         must(jose.SignClaims(claims, f.key, jose.SignOptions{OmitKeyID: true})),
		"no signature":      parts[0] + "." + parts[1] + ".",
		"contents exchange": parts[0] + "." + strings.Split(f.token(claims.with("sub", "evil")), ".")[1] + "." + parts[2],
	} {
		if got := outcome(f.X509(context.Background(), &ca.Request{Token: token})); got != "401" {
			t.Errorf("%s: %s, want 401", name, got)
		}
	}
}

func TestJWKGrant(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `"claims":{"defaultTLSCertDuration":"1h"},"issuer":"second"`)
	claims := f.claims("https://localhost/sign").
		with("jti", "id-1").
		with("sans", []string{"https://a.test/x", "b@a.test", "", "10.0.0.1", "a.test", "foo:8080", "1.2.3.4:80"}).
		with("cnf", object{"x5rt#S256": "AbC"}).
		with("step", object{"ra": object{"provisionerName": "p"}})
	got, err := f.X509(context.Background(), &ca.Request{Token: f.token(claims)})
	if err != nil {
		t.Fatal(err)
	}
	want := &ca.Grant{
		Operation:   ca.SignX509,
		Provisioner: ca.ProvisionerRef{ID: "jwk:" + f.key.KeyID, Name: "jwk", Type: "JWK"},
		Extension:   &ca.ProvisionerExtension{Type: ca.TypeJWK, Name: []byte("jwk"), CredentialID: []byte(f.key.KeyID)},
		RA:          &ca.RegistrationAuthority{ProvisionerName: "p"},
		Issuer:      "second",
		Limits:      ca.Limits{Min: 5 * time.Minute, Default: time.Hour, Max: 24 * time.Hour},
		OneTime:     &ca.OneTimeID{ID: "id-1", Expires: f.now.Add(6 * time.Minute)},
		CSR: ca.CSRRules{
			CommonNames: []string{"leaf.test", "https://a.test/x", "b@a.test", "", "10.0.0.1", "a.test", "foo:8080", "1.2.3.4:80"},
			Names:       ca.NamesExact,
			Fingerprint: "AbC",
		},
		SANs: []ca.Identifier{
			{Type: ca.DNS, Value: "a.test"}, {Type: ca.DNS, Value: "1.2.3.4:80"}, {Type: ca.IP, Value: "10.0.0.1"},
			{Type: ca.Email, Value: "b@a.test"}, {Type: ca.URI, Value: "https://a.test/x"}, {Type: ca.URI, Value: "foo:8080"},
		},
		Template: ca.Template{Default: ca.TemplateLeaf},
	}
	want.Subject.CommonName = "leaf.test"
	if !reflect.DeepEqual(got, want) {
		t.Errorf("X509 = %+v\nwant %+v", got, want)
	}

	got, err = f.X509(context.Background(), &ca.Request{Token: f.token(claims.with("sans", nil))})
	if err != nil {
		t.Fatal(err)
	}
	if names := got.CSR.CommonNames; !reflect.DeepEqual(names, []string{"leaf.test", "leaf.test"}) {
		t.Errorf("without sans, CommonNames = %q", names)
	}
	if !reflect.DeepEqual(got.SANs, []ca.Identifier{{Type: ca.DNS, Value: "leaf.test"}}) {
		t.Errorf("without sans, SANs = %v", got.SANs)
	}
}

func TestOneTimeID(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	raw := f.token(f.claims("https://localhost/sign").with("jti", nil).with("exp", nil))
	grant, err := f.X509(context.Background(), &ca.Request{Token: raw})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(raw[:strings.LastIndex(raw, ".")]))
	if want := (ca.OneTimeID{ID: hex.EncodeToString(sum[:])}); *grant.OneTime != want {
		t.Errorf("OneTime = %+v, want the hash of what is signed, for ever: %+v", *grant.OneTime, want)
	}
}

func TestTemplateData(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, options, want string
	}{
		{"default template", `{}`, `null`},
		{"data for the default template", `{"x509":{"templateData":{"Subject":{"commonName":"x"}}}}`, `{"Subject":{"commonName":"x"}}`},
		{"custom template", `{"x509":{"template":"{}","templateData":{"a":1}}}`, `{"Token":{"iss":"jwk"},"a":1}`},
		{"operator's Token", `{"x509":{"template":"{}","templateData":{"Token":2}}}`, `{"Token":2}`},
		{"null", `{"x509":{"template":"{}","templateData":null}}`, `{"Token":{"iss":"jwk"}}`},
		{"webhook", `{"webhooks":[{"name":"n","url":"https://h.test","kind":"enriching"}]}`, `{"Token":{"iss":"jwk"}}`},
	} {
		f := newFixture(t, `"options":`+tt.options, []string{}...)
		grant, err := f.X509(context.Background(), &ca.Request{Token: f.token(f.claims("https://localhost/sign"))})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if token, ok := grant.TemplateData["Token"].(map[string]any); ok {
			grant.TemplateData["Token"] = map[string]any{"iss": token["iss"]}
		}
		if got := string(must(json.Marshal(grant.TemplateData))); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	grant, err := f.Identity(context.Background(), &ca.Request{Token: f.token(f.claims("https://localhost/ssh/sign"))})
	if err != nil {
		t.Fatal(err)
	}
	if grant.OneTime != nil || grant.CSR.Names != ca.NamesExactButURIs {
		t.Errorf("OneTime = %v, Names = %q", grant.OneTime, grant.CSR.Names)
	}
}

func TestMaxTokenLifetime(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `"claims":{"maxTokenLifetime":"10m"}`)
	claims := f.claims("https://localhost/sign")
	for _, tt := range []struct {
		name   string
		claims object
		want   string
	}{
		{"5 minutes", claims, "grant"},
		{"12 minutes", claims.with("exp", f.now.Add(12*time.Minute).Unix()), "401"},
		{"for ever", claims.with("exp", nil), "401"},
	} {
		if got := outcome(f.X509(context.Background(), &ca.Request{Token: f.token(tt.claims)})); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestDisableSmallstepExtensions(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `"claims":{"disableSmallstepExtensions":true}`)
	grant, err := f.X509(context.Background(), &ca.Request{Token: f.token(f.claims("https://localhost/sign"))})
	if err != nil || grant.Extension != nil {
		t.Errorf("Extension = %v, %v; want none", grant.Extension, err)
	}
}

func TestDisableIssuedAtCheck(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	token := f.token(f.claims("https://localhost/sign").with("iat", f.now.Add(-2*time.Hour).Unix()))
	f.cfg.DisableIssuedAtCheck = true
	c := f.collect(f.jwkJSON("jwk", ""))
	if got := outcome(c.X509(context.Background(), &ca.Request{Token: token})); got != "grant" {
		t.Errorf("a token from before the start: %s, want grant", got)
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	claims := f.claims("https://localhost/revoke").with("sub", "123").with("jti", "r")
	for _, tt := range []struct {
		aud, sub, want, detail string
	}{
		{"https://localhost/1.0/revoke", "123", "grant", ""},
		{legacyAudience, "123", "grant", ""},
		{"https://localhost/1.0/sign", "123", "401", ""},
		{"https://localhost/1.0/revoke", "0x7b", "403", `request serial number "123" and token subject "0x7b" do not match`},
	} {
		grant, err := f.Revoke(context.Background(), f.token(claims.with("aud", tt.aud).with("sub", tt.sub)), "123")
		if got := outcome(grant, err); got != tt.want || detail(err) != tt.detail {
			t.Errorf("aud %s, sub %s: %s %q, want %s %q", tt.aud, tt.sub, got, detail(err), tt.want, tt.detail)
		}
		if grant != nil && (grant.OneTime.ID != "r" || grant.Provisioner.Name != "jwk" || grant.Operation != ca.RevokeX509) {
			t.Errorf("aud %s: grant = %+v", tt.aud, grant)
		}
	}
}

func BenchmarkJWKX509(b *testing.B) {
	f := newFixture(b, "")
	raw := f.token(f.claims("https://localhost:9000/1.0/sign").with("sans", []string{"a.test", "b.test"}))
	b.Run("Authorize", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := f.X509(context.Background(), &ca.Request{Token: raw}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("VerifyOnly", func(b *testing.B) {
		jws := must(jose.ParseCompact(raw))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := jws.Verify(f.key.Public().Key); err != nil {
				b.Fatal(err)
			}
		}
	})
}
