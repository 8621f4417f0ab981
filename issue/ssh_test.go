package issue_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
	"stepca/issue"
	"stepca/kms"
	"stepca/policy"
	"stepca/store"
)

func sshPublic(t testing.TB, pub any) ssh.PublicKey {
	t.Helper()
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newSSHIssuer makes an issuer with an SSH CA whose keys it returns.
func newSSHIssuer(t testing.TB, cfg issue.Config) (i *issue.Issuer, db *store.Store, user, host ssh.PublicKey) {
	t.Helper()
	userKey, hostKey := newKey(t), newKey(t)
	if cfg.SSH == nil {
		cfg.SSH = &issue.SSHAuthority{
			UserKey: kms.Local(userKey), HostKey: kms.Local(hostKey),
			AddUserPrincipal: "provisioner", AddUserCommand: "useradd <principal>",
		}
	}
	i, db = newIssuer(t, cfg)
	return i, db, sshPublic(t, userKey.Public()), sshPublic(t, hostKey.Public())
}

// sshGrantFor is what a JWK provisioner grants a token with these principals.
func sshGrantFor(typ ca.SSHCertType, principals ...string) *ca.Grant {
	return &ca.Grant{
		Operation:   ca.SignSSH,
		Provisioner: ca.ProvisionerRef{ID: "admin:kid", Name: "admin", Type: "JWK"},
		OneTime:     &ca.OneTimeID{ID: strings.Join(principals, ","), Expires: now.Add(time.Hour)},
		Template:    ca.Template{Default: ca.TemplateSSH},
		SSH: &ca.SSHGrant{
			Options:    ca.SSHOptions{CertType: typ, KeyID: "id", Principals: principals},
			UserLimits: ca.Limits{Min: 5 * time.Minute, Default: 16 * time.Hour, Max: 24 * time.Hour},
			HostLimits: ca.Limits{Min: 5 * time.Minute, Default: 720 * time.Hour, Max: 720 * time.Hour},
		},
	}
}

func authorizeSSH(g *ca.Grant) issue.AuthorizeSSH {
	return func(context.Context, *ca.SSHRequest) (*ca.Grant, error) { return g, nil }
}

func signRequest(key ssh.PublicKey) *ca.SSHRequest {
	return &ca.SSHRequest{Operation: ca.SignSSH, ID: "r1", PublicKey: key}
}

func TestSSH(t *testing.T) {
	t.Parallel()
	i, db, user, _ := newSSHIssuer(t, issue.Config{})
	grant := sshGrantFor(ca.SSHUser, "ann", "ann@example.com")
	grant.SSH.Extensions = map[string]string{"permit-pty": ""}
	key := sshPublic(t, newKey(t).Public())
	certs, err := i.SSH(t.Context(), signRequest(key), issue.SSHExtras{AddUserKey: sshPublic(t, newKey(t).Public())}, authorizeSSH(grant))
	if err != nil {
		t.Fatal(err)
	}
	checker := ssh.CertChecker{
		Clock:           func() time.Time { return now },
		IsUserAuthority: func(auth ssh.PublicKey) bool { return string(auth.Marshal()) == string(user.Marshal()) },
	}
	if string(certs.Wire) != string(certs.Certificate.Marshal()) || string(certs.AddUserWire) != string(certs.AddUser.Marshal()) {
		t.Errorf("wire formats are\n%x\n%x", certs.Wire, certs.AddUserWire)
	}
	for _, crt := range []*ssh.Certificate{certs.Certificate, certs.AddUser} {
		checker.SupportedCriticalOptions = []string{"force-command"}
		if err := checker.CheckCert(crt.ValidPrincipals[0], crt); err != nil || !checker.IsUserAuthority(crt.SignatureKey) {
			t.Errorf("%v: %v", crt.ValidPrincipals, err)
		}
		rec, err := db.SSHCertificate(t.Context(), crt.Serial)
		if err != nil || rec.KeyID != crt.KeyId || rec.TokenID != grant.OneTime.ID || rec.Operation != ca.SignSSH || string(rec.Wire) != string(crt.Marshal()) {
			t.Errorf("record %+v, %v", rec, err)
		}
		if want := uint64(now.Add(-time.Minute).Unix()); crt.ValidAfter != want {
			t.Errorf("valid after %d, want %d", crt.ValidAfter, want)
		}
		if want := uint64(now.Add(16 * time.Hour).Unix()); crt.ValidBefore != want {
			t.Errorf("valid before %d, want %d", crt.ValidBefore, want)
		}
	}
	_, err = i.SSH(t.Context(), signRequest(key), issue.SSHExtras{}, authorizeSSH(grant))
	if !errors.Is(err, store.ErrTokenUsed) || !errors.Is(err, ca.ErrUnauthorized) {
		t.Errorf("the token again: %v", err)
	}
}

func TestSSHKeysOfTheCA(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i, _, _, _ := newSSHIssuer(t, issue.Config{SSH: &issue.SSHAuthority{UserKey: kms.Local(rsaKey), HostKey: kms.Local(edKey)}})
	for typ, want := range map[ca.SSHCertType]string{ca.SSHUser: "rsa-sha2-256", ca.SSHHost: "ssh-ed25519"} {
		certs, err := i.SSH(t.Context(), signRequest(sshPublic(t, newKey(t).Public())), issue.SSHExtras{}, authorizeSSH(sshGrantFor(typ, "x", string(typ))))
		if err != nil {
			t.Fatal(err)
		}
		if got := certs.Certificate.Signature.Format; got != want {
			t.Errorf("signature of type %s, want %s", got, want)
		}
		if err := (&ssh.CertChecker{Clock: func() time.Time { return now }}).CheckCert("x", certs.Certificate); err != nil {
			t.Error(err)
		}
	}
}

func TestSSHRefusals(t *testing.T) {
	t.Parallel()
	rules := &policy.SSHOptions{User: &policy.SSHTypeOptions{Allow: &policy.SSHNames{Principals: []string{"ann", "bob"}}}}
	userPolicy, err := policy.NewSSH(rules)
	if err != nil {
		t.Fatal(err)
	}
	i, db, userCA, hostCA := newSSHIssuer(t, issue.Config{})
	rotated := sshPublic(t, newKey(t).Public())
	rotating, _, _, _ := newSSHIssuer(t, issue.Config{SSH: &issue.SSHAuthority{UserKey: kms.Local(newKey(t)), OtherKeys: []ssh.PublicKey{rotated}}})
	restricted, _, _, _ := newSSHIssuer(t, issue.Config{SSHPolicy: userPolicy})
	perProvisioner, _, _, _ := newSSHIssuer(t, issue.Config{ProvisionerSSHPolicies: map[string]*policy.SSH{"admin:kid": userPolicy}})
	userOnly, _, _, _ := newSSHIssuer(t, issue.Config{SSH: &issue.SSHAuthority{UserKey: kms.Local(newKey(t))}})
	none, _ := newIssuer(t, issue.Config{})

	custom := func(source string) func(*ca.Grant) {
		return func(g *ca.Grant) { g.Template.Source = source }
	}
	after := func(d time.Duration) func(*ca.Grant) {
		return func(g *ca.Grant) { g.SSH.Options.ValidBefore = ca.TimeOrDuration{Duration: d} }
	}
	x509Key := sshPublic(t, i.Authority("").Certificate().PublicKey)
	rootKey := sshPublic(t, i.Authority("").Roots[0].PublicKey)
	template := func(members string) func(*ca.Grant) {
		return custom(`{"type":"user","keyId":"k","principals":["ann"],` + members + `}`)
	}
	tests := []struct {
		name   string
		issuer *issue.Issuer
		typ    ca.SSHCertType // "" means user
		names  []string       // nil means ann
		key    ssh.PublicKey
		edit   func(*ca.Grant)
		req    func(*ca.SSHRequest)
		kind   error
		text   string
	}{
		{name: "no SSH CA", issuer: none, kind: ca.ErrNotImplemented, text: "there is no SSH CA"},
		{name: "no key for hosts", issuer: userOnly, typ: ca.SSHHost, kind: ca.ErrNotImplemented, text: "there is no key for SSH host certificates"},
		{name: "the CA's user key", key: userCA, kind: ca.ErrForbidden, text: "the public key is a key of the certificate authority itself"},
		{name: "the CA's host key", key: hostCA, kind: ca.ErrForbidden, text: "the public key is a key of the certificate authority itself"},
		{name: "the key of the X.509 issuer", key: x509Key, kind: ca.ErrForbidden, text: "the public key is a key of the certificate authority itself"},
		{name: "the key of the root", key: rootKey, kind: ca.ErrForbidden, text: "the public key is a key of the certificate authority itself"},
		{name: "an older key of the SSH CA", issuer: rotating, key: rotated, kind: ca.ErrForbidden, text: "the public key is a key of the certificate authority itself"},
		{name: "too long", edit: after(25 * time.Hour), kind: ca.ErrForbidden, text: "requested duration of 25h1m0s is greater than maximum accepted duration for selected provisioner of 24h1m0s"},
		{name: "too short", edit: after(3 * time.Minute), kind: ca.ErrForbidden, text: "requested duration of 4m0s is less than minimum accepted duration for selected provisioner of 5m0s"},
		{name: "in the past", edit: after(-time.Hour), kind: ca.ErrMalformed, text: "ssh certificate validBefore cannot be in the past"},
		{name: "for ever", edit: func(g *ca.Grant) {
			g.SSH.Options.ValidBefore = ca.TimeOrDuration{Time: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}
		}, kind: ca.ErrForbidden, text: "is greater than maximum accepted duration"},
		{name: "before 1970", edit: func(g *ca.Grant) {
			g.SSH.Options.ValidAfter = ca.TimeOrDuration{Time: time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC)}
		}, kind: ca.ErrMalformed, text: "ssh certificate validAfter cannot be before 1970"},
		{name: "ends before it begins", edit: func(g *ca.Grant) {
			g.SSH.Options.ValidAfter, g.SSH.Options.ValidBefore = ca.TimeOrDuration{Duration: 2 * time.Hour}, ca.TimeOrDuration{Duration: time.Hour}
		}, kind: ca.ErrMalformed, text: "ssh certificate validAfter cannot be greater than validBefore"},
		{name: "outlives its credential", edit: func(g *ca.Grant) {
			g.SSH.UserLimits.Window.NotAfter = now.Add(time.Hour)
			g.SSH.Options.ValidBefore = ca.TimeOrDuration{Duration: 2 * time.Hour}
		}, kind: ca.ErrForbidden, text: "provisioning credential expiration (2026-11-20 13:00:00 +0000 UTC) is before requested certificate validBefore (2026-11-20 14:00:00 +0000 UTC)"},

		{name: "empty principal", names: []string{"a", ""}, kind: ca.ErrMalformed, text: "principals cannot contain empty values"},
		{name: "no principals", edit: func(g *ca.Grant) { g.SSH.Options.Principals = nil }, kind: ca.ErrForbidden, text: "ssh certificate has no principals, and would be valid for all"},
		{name: "principal with a line break", names: []string{"ann\nroot"}, kind: ca.ErrForbidden, text: `ssh certificate principal "ann\nroot" has control characters`},
		{name: "principal with an escape", names: []string{"\x1b[31mann"}, kind: ca.ErrForbidden, text: "has control characters"},
		{name: "principal that turns text around", names: []string{"ann\u202e"}, kind: ca.ErrForbidden, text: "has control characters"},
		{name: "principal with a comma", names: []string{"ann,root"}, kind: ca.ErrForbidden, text: `ssh certificate principal "ann,root" has a comma, which separates principals`},
		{name: "principal that is not UTF-8", names: []string{"ann\xff"}, kind: ca.ErrForbidden, text: "is not valid UTF-8"},
		{name: "very long principal", names: []string{strings.Repeat("a", 2000)}, kind: ca.ErrForbidden, text: "ssh certificate principal is longer than 1024 bytes"},
		{name: "too many principals", names: slices.Repeat([]string{"a"}, 257), kind: ca.ErrForbidden, text: "ssh certificate has 257 principals, more than the 256 that OpenSSH reads"},
		{name: "no key ID", edit: func(g *ca.Grant) { g.SSH.Options.KeyID = "" }, kind: ca.ErrForbidden, text: "ssh certificate key id cannot be empty"},
		{name: "key ID with a line break", edit: func(g *ca.Grant) { g.SSH.Options.KeyID = "a\nb" }, kind: ca.ErrForbidden, text: `ssh certificate key id "a\nb" has control characters`},
		{name: "required key ID", edit: func(g *ca.Grant) { g.SSH.RequireOptions, g.SSH.Options.KeyID = true, "" }, kind: ca.ErrMalformed, text: "ssh certificate keyID cannot be empty"},

		{name: "template that copies the type", edit: custom(`{"type":"{{ .Insecure.CR.Type }}","keyId":"k","principals":["ann"]}`),
			req: func(r *ca.SSHRequest) { r.Options.CertType = ca.SSHHost }, kind: ca.ErrForbidden,
			text: `provisioner "admin" vouches for a user certificate and its template makes a host certificate`},
		{name: "template without a type", edit: custom(`{"keyId":"k"}`), text: "error applying certificate template"},
		{name: "template refuses", edit: custom(`{{ fail "not today" }}`), kind: ca.ErrMalformed, text: "not today"},
		{name: "unknown critical option", edit: template(`"criticalOptions":{"forced-command":"x"}`), kind: ca.ErrForbidden, text: `ssh critical option "forced-command" is unknown, and OpenSSH would refuse the certificate`},
		{name: "critical option of another server", edit: template(`"criticalOptions":{"zone@example.com":"a"}`), kind: ca.ErrForbidden, text: `ssh critical option "zone@example.com" is unknown`},
		{name: "bad source address", edit: template(`"criticalOptions":{"source-address":"10.0.0.0/33"}`), kind: ca.ErrForbidden, text: `"10.0.0.0/33" is neither an address nor a network`},
		{name: "value of verify-required", edit: template(`"criticalOptions":{"verify-required":"x"}`), kind: ca.ErrForbidden, text: "takes no value"},
		{name: "no forced command", edit: template(`"criticalOptions":{"force-command":""}`), kind: ca.ErrForbidden, text: "is empty"},
		{name: "critical option of a host", typ: ca.SSHHost, edit: custom(`{"type":"host","keyId":"k","principals":["h"],"criticalOptions":{"force-command":"x"}}`), kind: ca.ErrForbidden, text: `ssh host certificates have no critical option "force-command"`},
		{name: "extension without a name", edit: template(`"extensions":{"":"x"}`), kind: ca.ErrForbidden, text: "ssh extension has an empty name"},
		{name: "long nonce", edit: template(`"nonce":"` + strings.Repeat("AAAA", 100) + `"`), kind: ca.ErrForbidden, text: "nonce is longer than 256 bytes"},

		{name: "policy", issuer: restricted, names: []string{"ann", "root"}, kind: ca.ErrRejectedIdentifier, text: `principal name "root" not allowed`},
		{name: "policy of the provisioner", issuer: perProvisioner, names: []string{"root"}, kind: ca.ErrRejectedIdentifier, text: `principal name "root" not allowed`},
		{name: "policy of the provisioner for users alone", issuer: perProvisioner, typ: ca.SSHHost, kind: ca.ErrForbidden, text: "SSH host certificate not authorized"},
		{name: "policy on what a template adds", issuer: restricted, edit: custom(`{"type":"user","keyId":"k","principals":["ann","root"]}`), kind: ca.ErrRejectedIdentifier, text: `principal name "root" not allowed`},
		{name: "policy for users alone", issuer: restricted, typ: ca.SSHHost, kind: ca.ErrForbidden, text: "authority not allowed to sign SSH host certificates when SSH user certificate policy is active"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			issuer, typ, names, key := test.issuer, test.typ, test.names, test.key
			if issuer == nil {
				issuer = i
			}
			if typ == "" {
				typ = ca.SSHUser
			}
			if names == nil {
				names = []string{"ann"}
			}
			if key == nil {
				key = sshPublic(t, newKey(t).Public())
			}
			grant, req := sshGrantFor(typ, names...), signRequest(key)
			if test.edit != nil {
				test.edit(grant)
			}
			if test.req != nil {
				test.req(req)
			}
			certs, err := issuer.SSH(t.Context(), req, issue.SSHExtras{}, authorizeSSH(grant))
			if err == nil {
				t.Fatalf("issued %+v", certs.Certificate)
			}
			if test.kind != nil && !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("%v, want %v: %s", err, test.kind, test.text)
			}
		})
	}
	if page, _, err := db.SSHCertificates(t.Context(), store.SSHQuery{}); err != nil || len(page) != 0 {
		t.Errorf("%d refused certificates on record, %v", len(page), err)
	}
}

func TestSSHTemplates(t *testing.T) {
	t.Parallel()
	i, _, _, _ := newSSHIssuer(t, issue.Config{})
	grant := sshGrantFor(ca.SSHUser, "ann")
	grant.OneTime = nil
	grant.Template.Source = `{"type":"user","keyId":"k","principals":["ann","extra"],"serial":5,"nonce":"AAECAwQFBgcICQoLDA0ODw==",
		"criticalOptions":{"source-address":"10.0.0.0/8,::1","force-command":"ls"},"extensions":{"login@example.com":"ann"},"validBefore":"2026-11-20T13:00:00Z"}`
	sign := func() (*issue.SSHCertificates, error) {
		return i.SSH(t.Context(), signRequest(sshPublic(t, newKey(t).Public())), issue.SSHExtras{}, authorizeSSH(grant))
	}
	certs, err := sign()
	if err != nil {
		t.Fatal(err)
	}
	crt := certs.Certificate
	if crt.Serial != 5 || len(crt.Nonce) != 16 || crt.ValidBefore != uint64(now.Add(time.Hour).Unix()) || crt.CriticalOptions["force-command"] != "ls" || crt.Extensions["login@example.com"] != "ann" || len(crt.ValidPrincipals) != 2 {
		t.Errorf("%+v", crt)
	}
	if _, err := sign(); !errors.Is(err, ca.ErrForbidden) || !strings.Contains(err.Error(), "serial number 5 was already issued") {
		t.Errorf("the serial number again: %v", err)
	}
}

func TestSSHRenewal(t *testing.T) {
	t.Parallel()
	i, db, _, _ := newSSHIssuer(t, issue.Config{})
	old := &ssh.Certificate{
		Key: sshPublic(t, newKey(t).Public()), Serial: 7, CertType: ssh.HostCert, KeyId: "h1", ValidPrincipals: []string{"h1", "10.0.0.1"},
		ValidAfter: uint64(now.Add(-100 * time.Hour).Unix()), ValidBefore: uint64(now.Add(time.Hour).Unix()),
		Permissions: ssh.Permissions{Extensions: map[string]string{"x@example.com": "y"}},
	}
	renewal := func(op ca.Operation, edit func(*ssh.Certificate)) *ca.Grant {
		crt := *old
		if edit != nil {
			edit(&crt)
		}
		g := sshGrantFor(ca.SSHHost, "unused")
		g.Operation, g.OneTime, g.Template, g.SSH.Options, g.SSH.Renew = op, nil, ca.Template{}, ca.SSHOptions{}, &crt
		return g
	}
	longer := func(crt *ssh.Certificate) { crt.ValidAfter -= 1000 * 3600 }
	endless := func(crt *ssh.Certificate) { crt.ValidBefore = ssh.CertTimeInfinity }
	absurd := func(crt *ssh.Certificate) { crt.ValidBefore = 1 << 62 }
	fresh := sshPublic(t, newKey(t).Public())
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		grant  *ca.Grant
		key    ssh.PublicKey
		length time.Duration
		refuse string
	}{
		{name: "renew", grant: renewal(ca.RenewSSH, nil), length: 101 * time.Hour},
		{name: "renew keeps a length that is no longer granted", grant: renewal(ca.RenewSSH, longer), length: 1101 * time.Hour},
		{name: "renew without an end", grant: renewal(ca.RenewSSH, endless), length: 720*time.Hour + time.Minute},
		{name: "renew with an absurd end", grant: renewal(ca.RenewSSH, absurd), length: 720*time.Hour + time.Minute},
		{name: "rekey", grant: renewal(ca.RekeySSH, nil), key: fresh, length: 101 * time.Hour},
		{name: "rekey without an end", grant: renewal(ca.RekeySSH, endless), key: fresh, length: 720*time.Hour + time.Minute},
		{name: "rekey is held to today's limits", grant: renewal(ca.RekeySSH, longer), key: fresh, refuse: "requested duration of 1101h0m0s is greater than maximum"},
		{name: "rekey with a weak key", grant: renewal(ca.RekeySSH, nil), key: sshPublic(t, weak.Public()), refuse: "ssh certificate key must be at least 2048 bits"},
		{name: "renew a weak key", grant: renewal(ca.RenewSSH, func(c *ssh.Certificate) { c.Key = sshPublic(t, weak.Public()) }), refuse: "ssh certificate key must be at least 2048 bits"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			req := &ca.SSHRequest{Operation: test.grant.Operation, PublicKey: test.key}
			certs, err := i.SSH(t.Context(), req, issue.SSHExtras{}, authorizeSSH(test.grant))
			if test.refuse != "" {
				if err == nil || !strings.Contains(err.Error(), test.refuse) {
					t.Errorf("%v, want %s", err, test.refuse)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			crt, key := certs.Certificate, old.Key
			if test.key != nil {
				key = test.key
			}
			if string(crt.Key.Marshal()) != string(key.Marshal()) || crt.KeyId != "h1" || !slices.Equal(crt.ValidPrincipals, old.ValidPrincipals) || crt.Extensions["x@example.com"] != "y" || crt.Serial == 7 {
				t.Errorf("%+v", crt)
			}
			if got := time.Duration(crt.ValidBefore-crt.ValidAfter) * time.Second; got != test.length || crt.ValidAfter != uint64(now.Add(-time.Minute).Unix()) {
				t.Errorf("valid for %v from %d, want %v", got, crt.ValidAfter, test.length)
			}
			if rec, err := db.SSHCertificate(t.Context(), crt.Serial); err != nil || rec.RenewedFrom != "7" {
				t.Errorf("record %+v, %v", rec, err)
			}
		})
	}
}
