package provisioner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"stepca/ca"
	"stepca/jose"
)

// TestLocate tells which provisioner a token is taken to, whoever signed it.
func TestLocate(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	const sign = "https://localhost/sign"
	own := f.key.KeyID
	for _, tt := range []struct {
		name, keyID string
		claims      object
		want        string
	}{
		{"issuer and key ID", own, object{"iss": "jwk", "aud": sign}, "jwk"},
		{"audience of any operation", own, object{"iss": "jwk", "aud": "https://localhost/1.0/ssh/rekey"}, "jwk"},
		{"another key ID", "x", object{"iss": "jwk", "aud": sign}, ""},
		{"our audience does not fall through", "x", object{"iss": "x", "aud": []string{"client", sign}}, ""},
		{"fragment", own, object{"iss": "x", "aud": sign + "#sshpop/sshpop"}, "sshpop"},
		{"fragment, escaped", own, object{"iss": "x", "aud": sign + "#ssh%70op/sshpop"}, "sshpop"},
		{"fragment without provisioner", own, object{"iss": "jwk", "aud": sign + "#x5c/none"}, ""},
		{"fragment in another's URL", own, object{"iss": "jwk", "aud": []string{"https://other.test/sign#x", sign}}, ""},
		{"legacy audience with fragment", own, object{"iss": "x", "aud": "/" + legacyAudience + "#x5c/x5c"}, "x5c"},
		{"legacy audience with fragment, no slash", own, object{"iss": "x", "aud": legacyAudience + "#x5c/x5c"}, ""},
		{"legacy audience with slash", own, object{"iss": "jwk", "aud": "/" + legacyAudience}, ""},
		{"Kubernetes", own, object{"iss": k8sIssuer, "aud": "any"}, "k8s"},
		{"Kubernetes without audience", own, object{"iss": k8sIssuer}, "k8s"},
		{"OpenID Connect", own, object{"iss": "https://idp.test", "aud": "client"}, "oidc"},
		{"first audience only", own, object{"iss": "https://idp.test", "aud": []string{"x", "client"}}, ""},
		{"authorized party", own, object{"iss": "https://idp.test", "aud": []string{"x"}, "azp": "client"}, "oidc"},
		{"authorized party unknown", own, object{"iss": "https://idp.test", "aud": []string{"client"}, "azp": "x"}, "oidc"},
		{"tenant", own, object{"iss": "i", "aud": "https://management.azure.com/", "tid": "tenant"}, "azure"},
		{"tenant and e-mail", own, object{"iss": "i", "aud": "client", "tid": "tenant", "email": "a@b.test"}, "oidc"},
		{"tenant and e-mail, unknown client", own, object{"iss": "i", "aud": "x", "tid": "tenant", "email": "a@b.test"}, "azure"},
		{"tenant without e-mail", own, object{"iss": "i", "aud": "client", "tid": "tenant"}, "azure"},
		{"nothing", own, object{}, ""},
	} {
		raw := must(jose.SignClaims(tt.claims, newKey(), jose.SignOptions{KeyID: tt.keyID}))
		token := must(parseToken(raw))
		token.operations = f.audiences.operations(token.audiences, token.fragment)
		got := ""
		if e := f.addressee(token); e != nil {
			got = e.ref.Name
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestLocateNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	_, err := f.X509(context.Background(), &ca.Request{Token: f.token(object{"aud": []string{"a", "b"}})})
	if !errors.Is(err, ca.ErrUnauthorized) || !strings.Contains(err.Error(), "provisioner not found or invalid audience (a, b)") {
		t.Errorf("X509 = %v", err)
	}
}

// FuzzLocate tries everything that reads what an unknown sender wrote.
func FuzzLocate(f *testing.F) {
	fix := newFixture(f, `"claims":{"enableSSHCA":true}`)
	f.Add(fix.token(fix.claims("https://localhost/sign")))
	f.Add(fix.token(fix.claims("https://[::1]:9/ssh/sign").with("step", object{"ssh": object{"principals": []string{"a"}}})))
	f.Add(fix.sshpop(fix.sshCertificate(2), fix.sshpopClaims("renew")))
	f.Add(fix.bearer(fix.leaf(ca.TypeJWK, "jwk"), nil))
	f.Add("e30.e30.")
	known := records{x509: X509Record{Own: true}}
	f.Fuzz(func(t *testing.T, raw string) {
		ctx := context.Background()
		for name, err := range map[string]error{
			"X509":     second(fix.X509(ctx, &ca.Request{Token: raw})),
			"SSH":      second(fix.SSH(ctx, &ca.SSHRequest{Token: raw})),
			"SSHRenew": second(fix.SSHRenew(ctx, &ca.SSHRequest{Token: raw}, known)),
			"Renew":    second(fix.Renew(ctx, &ca.Request{Token: raw}, known)),
		} {
			if e, ok := errors.AsType[*ca.Error](err); err != nil && (!ok || e.Kind == nil) {
				t.Errorf("%s(%q) is an internal error: %v", name, raw, err)
			}
		}
	})
}

// FuzzClaims does the same behind a good signature.
func FuzzClaims(f *testing.F) {
	fix := newFixture(f, `"claims":{"enableSSHCA":true}`)
	f.Add([]byte(`{"iss":"jwk","sub":"a","aud":"https://localhost/sign","sans":["a","::1","a@b","x:y"],"cnf":{"x5rt#S256":"x"}}`))
	f.Add([]byte(`{"iss":"jwk","sub":"a","aud":["https://localhost/ssh/sign"],"step":{"ssh":{"certType":"user","validAfter":"1h"}}}`))
	f.Fuzz(func(t *testing.T, claims []byte) {
		jws, err := jose.Sign(claims, fix.key, jose.SignOptions{})
		if err != nil {
			return
		}
		ctx := context.Background()
		for name, err := range map[string]error{
			"X509":   second(fix.X509(ctx, &ca.Request{Token: jws.Compact()})),
			"SSH":    second(fix.SSH(ctx, &ca.SSHRequest{Token: jws.Compact()})),
			"Revoke": second(fix.Revoke(ctx, jws.Compact(), "1")),
		} {
			if e, ok := errors.AsType[*ca.Error](err); err != nil && (!ok || e.Kind == nil) {
				t.Errorf("%s with %q is an internal error: %v", name, claims, err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

// A token does not show in logs and messages.
func TestTokenIsNotShown(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	raw := f.token(f.claims("https://localhost/sign").with("jti", "the-id"))
	token := must(parseToken(raw))
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "token", token)
	for _, text := range []string{log.String(), fmt.Sprint(token), fmt.Sprintf("%+v", token)} {
		if !strings.Contains(text, "the-id") || strings.Contains(text, raw[:20]) {
			t.Errorf("a token shows as %s", text)
		}
	}
}
