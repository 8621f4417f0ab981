package provisioner

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
)

func TestJWKSSH(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `"claims":{"enableSSHCA":true}`)
	claims := f.claims("https://localhost/ssh/sign").with("sub", "joe")
	step := func(ssh object) object { return claims.with("step", object{"ssh": ssh}) }
	minutes := func(n int) ca.TimeOrDuration { return ca.TimeOrDuration{Duration: time.Duration(n) * time.Minute} }
	noon := ca.TimeOrDuration{Time: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)}
	user := ca.SSHOptions{CertType: ca.SSHUser, KeyID: "joe", Principals: []string{"joe"}}
	for _, tt := range []struct {
		name    string
		claims  object
		body    ca.SSHOptions
		want    ca.SSHOptions // if granted
		outcome string
		detail  string
	}{
		{name: "no step.ssh", claims: claims, outcome: "401"},
		{name: "empty step.ssh", claims: step(object{}), want: user, outcome: "grant"},
		{name: "legacy audience", claims: step(object{}).with("aud", legacyAudience), outcome: "401"},
		{name: "audience of X.509 signing", claims: step(object{}).with("aud", "https://localhost/sign"), want: user, outcome: "grant"},
		{name: "only the body says host", claims: step(object{}), body: ca.SSHOptions{CertType: ca.SSHHost, Principals: []string{"root"}},
			want: user, outcome: "grant"},
		{name: "host", claims: step(object{"certType": "host", "keyID": "k", "principals": []string{"a", "b"}, "validBefore": "2h"}),
			body:    ca.SSHOptions{CertType: ca.SSHHost, Principals: []string{"A"}, ValidBefore: minutes(120)},
			want:    ca.SSHOptions{CertType: ca.SSHHost, KeyID: "k", Principals: []string{"a", "b"}, ValidBefore: minutes(120)},
			outcome: "grant"},
		{name: "unknown type", claims: step(object{"certType": "zzz"}), outcome: "400", detail: "unknown certificate type 'zzz'"},
		{name: "empty principal", claims: step(object{"principals": []string{"a", ""}}), outcome: "400",
			detail: "principals cannot contain empty values"},
		{name: "too many principals", claims: step(object{}), body: ca.SSHOptions{Principals: make([]string, maxNames+1)},
			outcome: "400", detail: "more than 1000 principals"},
		{name: "other type in the body", claims: step(object{"certType": "user"}), body: ca.SSHOptions{CertType: ca.SSHHost},
			outcome: "403", detail: "ssh certificate type does not match - got host, want user"},
		{name: "other principals in the body", claims: step(object{"principals": []string{"joe"}}),
			body: ca.SSHOptions{Principals: []string{"joe", "root"}}, outcome: "403",
			detail: "ssh certificate principals does not match - got [joe root], want [joe]"},
		{name: "other end in the body", claims: step(object{"validBefore": "2h"}), body: ca.SSHOptions{ValidBefore: minutes(60)},
			outcome: "403", detail: "ssh certificate validBefore does not match - got 1h0m0s, want 2h0m0s"},
		{name: "other start in the body", claims: step(object{"validAfter": "2026-01-02T12:00:00Z"}), body: ca.SSHOptions{ValidAfter: minutes(60)},
			outcome: "403", detail: "ssh certificate validAfter does not match - got 1h0m0s, want 2026-01-02T12:00:00Z"},
		{name: "same start in another zone", claims: step(object{"validAfter": "2026-01-02T13:00:00+01:00"}), body: ca.SSHOptions{ValidAfter: noon},
			want:    ca.SSHOptions{CertType: ca.SSHUser, KeyID: "joe", Principals: []string{"joe"}, ValidAfter: noon},
			outcome: "grant"},
		{name: "unreadable time", claims: step(object{"validAfter": "soon"}), outcome: "401"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			grant, err := f.SSH(context.Background(), &ca.SSHRequest{Token: f.token(tt.claims), Options: tt.body})
			if got := outcome(grant, err); got != tt.outcome || detail(err) != tt.detail {
				t.Fatalf("%s %q, want %s %q", got, detail(err), tt.outcome, tt.detail)
			}
			if grant == nil {
				return
			}
			if !reflect.DeepEqual(grant.SSH.Options, tt.want) {
				t.Errorf("Options = %+v, want %+v", grant.SSH.Options, tt.want)
			}
			if isUser := tt.want.CertType == ca.SSHUser; isUser != (len(grant.SSH.Extensions) == 5) {
				t.Errorf("Extensions of a %s certificate = %v", tt.want.CertType, grant.SSH.Extensions)
			}
			if grant.SSH.UserLimits.Default != 16*time.Hour || grant.SSH.HostLimits.Default != 720*time.Hour {
				t.Errorf("limits = %v, %v", grant.SSH.UserLimits, grant.SSH.HostLimits)
			}
			if grant.OneTime == nil || grant.Template.Default != ca.TemplateSSH {
				t.Errorf("OneTime = %v, Template = %v", grant.OneTime, grant.Template)
			}
		})
	}
}

func TestTokenIsBoundToSSHKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `"claims":{"enableSSHCA":true}`)
	key, other := newSSHKey(t), newSSHKey(t)
	sum := sha256.Sum256(key.Marshal())
	bound := base64.RawURLEncoding.EncodeToString(sum[:])
	for _, tt := range []struct {
		name, claim string
		key         ssh.PublicKey
		outcome     string
	}{
		{"its key", bound, key, "grant"},
		{"another key", bound, other, "403"},
		{"no key at all", "not base64url!", key, "403"},
		{"bound to none", "", other, "grant"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			claims := f.claims("https://localhost/ssh/sign").with("step", object{"ssh": object{}}).with("cnf", object{"x5rt#S256": tt.claim})
			grant, err := f.SSH(context.Background(), &ca.SSHRequest{Token: f.token(claims), PublicKey: tt.key})
			if got := outcome(grant, err); got != tt.outcome {
				t.Errorf("outcome %s (%v), want %s", got, err, tt.outcome)
			}
		})
	}
}

func newSSHKey(t *testing.T) ssh.PublicKey {
	t.Helper()
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestSSHDisabled(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	token := f.token(f.claims("https://localhost/ssh/sign").with("step", object{"ssh": object{}}))
	_, err := f.SSH(context.Background(), &ca.SSHRequest{Token: token})
	if outcome(nil, err) != "401" || !strings.Contains(err.Error(), "enableSSHCA") {
		t.Errorf("SSH without the claim: %v", err)
	}
}
