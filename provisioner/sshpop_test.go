package provisioner

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
	"stepca/jose"
)

const sshpopSerial = "1234567890123456789"

func (f *fixture) sshpopClaims(op string) object {
	return f.claims("https://localhost/1.0/ssh/"+op+"#sshpop/sshpop").with("iss", "sshpop").with("sub", sshpopSerial)
}

func TestSSHPOP(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	expired := func(c *ssh.Certificate) {
		c.ValidAfter, c.ValidBefore = uint64(f.now.Add(-2*time.Hour).Unix()), uint64(f.now.Add(-time.Hour).Unix())
	}
	future := func(c *ssh.Certificate) { c.ValidAfter = uint64(f.now.Add(time.Minute).Unix()) }
	forever := func(c *ssh.Certificate) { c.ValidBefore = ssh.CertTimeInfinity }
	never := func(c *ssh.Certificate) { c.ValidAfter, c.ValidBefore = ssh.CertTimeInfinity-1, ssh.CertTimeInfinity }
	always := func(c *ssh.Certificate) { c.ValidAfter = 0 }
	for _, tt := range []struct {
		name   string
		typ    uint32
		change func(*ssh.Certificate)
		claim  string
		value  any
		want   [3]string // renew, rekey, revoke
	}{
		{name: "host", typ: ssh.HostCert, want: [3]string{"grant", "grant", "grant"}},
		{name: "user", typ: ssh.UserCert, want: [3]string{"400", "400", "grant"}},
		{name: "expired", typ: ssh.HostCert, change: expired, want: [3]string{"401", "401", "401"}},
		{name: "not valid yet", typ: ssh.HostCert, change: future, want: [3]string{"401", "401", "401"}},
		{name: "without end", typ: ssh.HostCert, change: forever, want: [3]string{"grant", "grant", "grant"}},
		{name: "without start", typ: ssh.HostCert, change: always, want: [3]string{"400", "400", "grant"}},
		{name: "never valid", typ: ssh.HostCert, change: never, want: [3]string{"401", "401", "401"}},
		{name: "other subject", typ: ssh.HostCert, claim: "sub", value: "x", want: [3]string{"grant", "grant", "403"}},
		{name: "empty subject", typ: ssh.HostCert, claim: "sub", value: "", want: [3]string{"401", "401", "401"}},
		{name: "other issuer", typ: ssh.HostCert, claim: "iss", value: "x", want: [3]string{"401", "401", "401"}},
		{name: "no fragment", typ: ssh.HostCert, claim: "aud", value: "https://localhost/ssh/renew", want: [3]string{"401", "401", "401"}},
		{name: "audience of renewal", typ: ssh.HostCert, claim: "aud", value: "https://localhost/ssh/renew#sshpop/sshpop",
			want: [3]string{"grant", "401", "401"}},
		{name: "expired token", typ: ssh.HostCert, claim: "exp", value: f.now.Add(-2 * time.Minute).Unix(), want: [3]string{"401", "401", "401"}},
	} {
		change := tt.change
		if change == nil {
			change = func(*ssh.Certificate) {}
		}
		crt := f.sshCertificate(tt.typ, change)
		for i, op := range []string{"renew", "rekey", "revoke"} {
			claims := f.sshpopClaims(op)
			if tt.claim != "" {
				claims = claims.with(tt.claim, tt.value)
			}
			grant, err := f.sshOperation(op, f.sshpop(crt, claims), records{})
			if got := outcome(grant, err); got != tt.want[i] {
				t.Errorf("%s, %s: %s (%v), want %s", tt.name, op, got, err, tt.want[i])
			}
		}
	}
}

func (f *fixture) sshOperation(op, token string, known records) (*ca.Grant, error) {
	ctx := context.Background()
	switch op {
	case "renew":
		return f.SSHRenew(ctx, &ca.SSHRequest{Token: token}, known)
	case "rekey":
		return f.SSHRekey(ctx, &ca.SSHRequest{Token: token}, known)
	default:
		return f.SSHRevoke(ctx, token, sshpopSerial)
	}
}

func TestSSHPOPGrant(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	crt := f.sshCertificate(ssh.HostCert)
	grant, err := f.sshOperation("renew", f.sshpop(crt, f.sshpopClaims("renew").with("jti", "one")), records{})
	if err != nil {
		t.Fatal(err)
	}
	if grant.Operation != ca.RenewSSH || grant.OneTime.ID != "one" || grant.SSH.Renew.Serial != crt.Serial ||
		grant.SSH.HostLimits.Max != 720*time.Hour || grant.Provisioner.ID != "sshpop/sshpop" {
		t.Errorf("grant = %+v", grant)
	}
}

func TestSSHPOPRevoked(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	for _, op := range []string{"renew", "rekey"} {
		token := f.sshpop(f.sshCertificate(ssh.HostCert), f.sshpopClaims(op))
		if got := outcome(f.sshOperation(op, token, records{sshRevoked: true})); got != "401" {
			t.Errorf("%s of a revoked certificate: %s, want 401", op, got)
		}
		broken := errors.New("disk on fire")
		if _, err := f.sshOperation(op, token, records{err: broken}); !errors.Is(err, broken) {
			t.Errorf("%s with a broken database: %v", op, err)
		}
	}
}

func TestSSHPOPRevocation(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	crt := f.sshCertificate(ssh.UserCert)
	grant, err := f.sshOperation("revoke", f.sshpop(crt, f.sshpopClaims("revoke")), records{})
	if err != nil {
		t.Fatal(err)
	}
	if grant.Operation != ca.RevokeSSH || grant.SSH.Revoke.Serial != crt.Serial || grant.SSH.Renew != nil {
		t.Errorf("grant = %+v", grant)
	}
}

// TestSSHPOPEvidence tries certificates that are not this CA's, and tokens that
// are not by the certificate's key.
func TestSSHPOPEvidence(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	claims := f.sshpopClaims("renew")
	crt := f.sshCertificate(ssh.HostCert)

	foreign := f.sshCertificate(ssh.HostCert)
	otherCA := must(ssh.NewSignerFromSigner(newKey()))
	if err := foreign.SignCert(rand.Reader, otherCA); err != nil {
		t.Fatal(err)
	}
	tampered := f.sshCertificate(ssh.HostCert)
	tampered.ValidPrincipals = []string{"evil.test"}
	swapped := f.sshCertificate(ssh.UserCert) // signed with the user key,
	swapped.CertType = ssh.HostCert           // presented as a host
	asHost := f.sshCertificate(ssh.HostCert)
	if err := asHost.SignCert(rand.Reader, f.sshUser); err != nil {
		t.Fatal(err)
	}
	untyped := f.sshCertificate(3)

	header := func(value any) string {
		return must(jose.SignClaims(claims, f.sshKey, jose.SignOptions{Header: map[string]any{"sshpop": value}}))
	}
	for name, token := range map[string]string{
		"of another CA":            f.sshpop(foreign, claims),
		"tampered":                 f.sshpop(tampered, claims),
		"type changed":             f.sshpop(swapped, claims),
		"host signed by user key":  f.sshpop(asHost, claims),
		"unknown type":             f.sshpop(untyped, claims),
		"token by another key":     must(jose.SignClaims(claims, newKey(), jose.SignOptions{Header: map[string]any{"sshpop": base64.StdEncoding.EncodeToString(crt.Marshal())}})),
		"no header":                must(jose.SignClaims(claims, f.sshKey, jose.SignOptions{})),
		"header is no base64":      header("*"),
		"header is no certificate": header("AAAA"),
		"header is a plain key":    header(base64.StdEncoding.EncodeToString(f.sshHost.PublicKey().Marshal())),
	} {
		if got := outcome(f.sshOperation("renew", token, records{})); got != "401" {
			t.Errorf("certificate %s: %s, want 401", name, got)
		}
	}
}

func TestSSHPOPAfterExpiry(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "", `{"type":"SSHPOP","name":"sshpop","claims":{"allowRenewalAfterExpiry":true}}`)
	crt := f.sshCertificate(ssh.HostCert, func(c *ssh.Certificate) { c.ValidBefore = uint64(f.now.Add(-time.Minute).Unix()) })
	for op, want := range map[string]string{"renew": "grant", "rekey": "401"} {
		if got := outcome(f.sshOperation(op, f.sshpop(crt, f.sshpopClaims(op)), records{})); got != want {
			t.Errorf("%s of an expired certificate: %s, want %s", op, got, want)
		}
	}
}

func TestSSHPOPWithoutKeys(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	f.cfg.SSHUserKeys, f.cfg.SSHHostKeys = nil, nil
	failures := f.collect(`{"type":"SSHPOP","name":"sshpop"}`).Failures()
	if len(failures) != 1 || failures[0].Err.Error() != "provisioner public SSH validation keys cannot be empty" {
		t.Errorf("failures = %v", failures)
	}
}

// A security key cannot sign tokens.
func TestSSHPOPSecurityKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	pub := &must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)).PublicKey
	point := must(pub.Bytes())
	wire := ssh.Marshal(struct {
		Name, Curve string
		Point       []byte
		Application string
	}{ssh.KeyAlgoSKECDSA256, "nistp256", point, "ssh:"})
	key := must(ssh.ParsePublicKey(wire))
	crt := f.sshCertificate(ssh.HostCert, func(c *ssh.Certificate) { c.Key = key })
	if got := outcome(f.sshOperation("renew", f.sshpop(crt, f.sshpopClaims("renew")), records{})); got != "401" {
		t.Errorf("certificate for a security key: %s, want 401", got)
	}
}
