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
	"math/big"
	"strings"
	"testing"
	"time"

	"stepca/ca"
	"stepca/issue"
	"stepca/kms"
)

// selfSigned is an authority whose certificate its own key signed.
func selfSigned(t testing.TB, key crypto.Signer, algorithm x509.SignatureAlgorithm) *issue.Authority {
	t.Helper()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Issuer"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * 365 * time.Hour), SignatureAlgorithm: algorithm,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	crt, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issue.Authority{Name: issue.DefaultAuthority, Chain: []*x509.Certificate{crt}, Key: kms.Local(key)}
}

// issueOne issues a certificate by an authority.
func issueOne(t testing.TB, a *issue.Authority) (*ca.Certificate, error) {
	t.Helper()
	i, _ := newIssuer(t, issue.Config{Authorities: []*issue.Authority{a}})
	req := &ca.Request{Operation: ca.SignX509, CSR: newCSR(t, newKey(t), x509.CertificateRequest{})}
	return i.X509(t.Context(), req, authorize(grantFor("a.example.com")))
}

func TestSignaturesOfAllKeys(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		key       crypto.Signer
		algorithm x509.SignatureAlgorithm
	}{
		{newKey(t), x509.ECDSAWithSHA256},
		{p384, x509.ECDSAWithSHA384},
		{edKey, x509.PureEd25519},
		{rsaKey, x509.SHA256WithRSA},
		{rsaKey, x509.SHA512WithRSAPSS},
	} {
		t.Run(tt.algorithm.String(), func(t *testing.T) {
			t.Parallel()
			a := selfSigned(t, tt.key, tt.algorithm)
			crt, err := issueOne(t, a)
			if err != nil {
				t.Fatal(err)
			}
			if crt.Leaf.SignatureAlgorithm != tt.algorithm {
				t.Errorf("signed with %v, want %v", crt.Leaf.SignatureAlgorithm, tt.algorithm)
			}
			if err := crt.Leaf.CheckSignatureFrom(a.Certificate()); err != nil {
				t.Error(err)
			}
		})
	}
}

// A brokenDevice is outside this process, and signs something else.
type brokenDevice struct{ kms.Signer }

func (d brokenDevice) External() bool { return true }

func (d brokenDevice) SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	other := make([]byte, len(digest))
	return d.Signer.SignContext(ctx, other, opts)
}

func TestSignatureOfDeviceIsChecked(t *testing.T) {
	t.Parallel()
	a := selfSigned(t, newKey(t), 0)
	a.Key = brokenDevice{a.Key}
	if _, err := issueOne(t, a); err == nil || !strings.Contains(err.Error(), "does not verify") {
		t.Errorf("a signature of something else: %v", err)
	}
}
