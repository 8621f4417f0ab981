package issue_test

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net/url"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
	"stepca/issue"
	"stepca/policy"
)

// TestSSHIdentityRenewal is about quirk Q3 of the reference, which renewed any
// client certificate, for as long as the SSH certificate.
func TestSSHIdentityRenewal(t *testing.T) {
	t.Parallel()
	i, _, _, _ := newSSHIssuer(t, issue.Config{})
	uuid, _ := url.Parse("urn:uuid:8c8a7b8e-5d6b-4a3e-9a55-6f4a7a1e2f10")
	identity := func(uris []*url.URL, names ...string) *x509.Certificate {
		grant := grantFor(names...)
		grant.OneTime = nil
		for _, u := range uris {
			grant.SANs = append(grant.SANs, ca.Identifier{Type: ca.URI, Value: u.String()})
		}
		crt, err := i.X509(t.Context(), &ca.Request{Operation: ca.SignX509, CSR: newCSR(t, newKey(t), x509.CertificateRequest{})}, authorize(grant))
		if err != nil {
			t.Fatal(err)
		}
		return crt.Leaf
	}
	elsewhere, _ := url.Parse("https://example.com/admin")
	const length = 24*time.Hour + time.Minute
	tests := []struct {
		name  string
		peer  *x509.Certificate
		ends  time.Duration // of the SSH certificate, from now
		valid time.Duration // of the renewed identity; zero: not renewed
	}{
		{"its own", identity([]*url.URL{uuid}, "h1.local"), 720 * time.Hour, length},
		{"its own, in capitals", identity(nil, "H1.local"), 720 * time.Hour, length},
		{"no longer than the SSH certificate", identity(nil, "h1.local"), 2 * time.Hour, 2*time.Hour + time.Minute},
		{"of a user", identity(nil, "joe"), 720 * time.Hour, 0},
		{"with one name more", identity(nil, "h1.local", "h2.local"), 720 * time.Hour, 0},
		{"with a URI more", identity([]*url.URL{elsewhere}, "h1.local"), 720 * time.Hour, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			grant := sshGrantFor(ca.SSHHost, "unused")
			grant.Operation, grant.OneTime = ca.RenewSSH, nil
			grant.SSH.Renew = &ssh.Certificate{
				Key: sshPublic(t, newKey(t).Public()), Serial: 7, CertType: ssh.HostCert, KeyId: "host-7", ValidPrincipals: []string{"h1.local"},
				ValidAfter: uint64(now.Add(-time.Minute).Unix()), ValidBefore: uint64(now.Add(test.ends).Unix()),
			}
			extras := issue.SSHExtras{
				Identity: &ca.Request{Operation: ca.RenewX509, Peer: test.peer},
				AuthorizeIdentity: func(context.Context, *ca.Request) (*ca.Grant, error) {
					return &ca.Grant{Operation: ca.RenewX509, Renew: test.peer}, nil
				},
			}
			certs, err := i.SSH(t.Context(), &ca.SSHRequest{Operation: ca.RenewSSH}, extras, authorizeSSH(grant))
			if err != nil {
				t.Fatal(err)
			}
			if test.valid == 0 {
				if certs.Identity != nil {
					t.Errorf("renewed %v", certs.Identity.Leaf.Subject)
				}
				return
			}
			if certs.Identity == nil {
				t.Fatal("not renewed")
			}
			leaf := certs.Identity.Leaf
			if got := leaf.NotAfter.Sub(leaf.NotBefore); got != test.valid || leaf.Subject.CommonName != test.peer.Subject.CommonName {
				t.Errorf("valid for %v, want %v", got, test.valid)
			}
		})
	}
}

// TestSSHIdentityAndPolicy checks that the requester's UUID is the only name that
// policies do not judge.
func TestSSHIdentityAndPolicy(t *testing.T) {
	t.Parallel()
	rules, err := policy.NewX509(&policy.X509Options{Allow: &policy.X509Names{DNS: []string{"joe"}}})
	if err != nil {
		t.Fatal(err)
	}
	i, db, _, _ := newSSHIssuer(t, issue.Config{Policy: rules})
	uuid, _ := url.Parse("urn:uuid:8c8a7b8e-5d6b-4a3e-9a55-6f4a7a1e2f10")
	sign := func(token, name, source string) (*issue.SSHCertificates, error) {
		grant := grantFor(name)
		grant.OneTime, grant.Template.Source, grant.CSR.Names = nil, source, ca.NamesExactButURIs
		csr := newCSR(t, newKey(t), x509.CertificateRequest{Subject: pkix.Name{CommonName: name}, URIs: []*url.URL{uuid}})
		return i.SSH(t.Context(), signRequest(sshPublic(t, newKey(t).Public())), issue.SSHExtras{
			Identity: &ca.Request{Operation: ca.SignX509, CSR: csr}, AuthorizeIdentity: authorize(grant),
		}, authorizeSSH(sshGrantFor(ca.SSHUser, token)))
	}
	raw := `{"subject":{{ toJson .Subject }},"extensions":[{"id":"2.5.29.17","value":"MAWCA2pvZQ=="}],"keyUsage":["digitalSignature"]}` // DNS name joe
	for token, source := range map[string]string{"fields": "", "raw": raw} {
		certs, err := sign(token, "joe", source)
		if err != nil {
			t.Fatal(err)
		}
		if leaf := certs.Identity.Leaf; len(leaf.DNSNames) != 1 || len(leaf.URIs) != 1 || leaf.URIs[0].String() != uuid.String() {
			t.Errorf("URIs are %v", leaf.URIs)
		}
		if rec, err := db.Certificate(t.Context(), certs.Identity.Leaf.SerialNumber); err != nil || rec.TokenID == "" {
			t.Errorf("record %+v, %v", rec, err)
		}
	}
	if _, err := sign("refused", "mallory", ""); !errors.Is(err, ca.ErrRejectedIdentifier) {
		t.Errorf("a name that policy refuses: %v", err)
	}
}
