package provisioner

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"math/big"
	"strconv"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
	"stepca/jose"
)

// A fixture is a CA with one provisioner of each type, at a fixed time.
type fixture struct {
	testing.TB
	now time.Time
	log bytes.Buffer

	key *jose.JWK // private key of the provisioner "jwk"

	root, intermediate       *x509.Certificate
	rootKey, intermediateKey crypto.Signer
	leafKey                  crypto.Signer

	sshUser, sshHost ssh.Signer // of the CA
	sshKey           crypto.Signer

	cfg Config
	*Collection
}

// names of the provisioners of a fixture, by type.
var fixtureNames = map[ca.ProvisionerType]string{
	ca.TypeJWK: "jwk", ca.TypeOIDC: "oidc", ca.TypeGCP: "gcp", ca.TypeAWS: "aws", ca.TypeAzure: "azure",
	ca.TypeACME: "acme", ca.TypeX5C: "x5c", ca.TypeK8sSA: "k8s", ca.TypeSSHPOP: "sshpop", ca.TypeSCEP: "scep",
	ca.TypeNebula: "nebula",
}

// fixtureJSON are the provisioners of a fixture but the JWK one.
var fixtureJSON = []string{
	`{"type":"ACME","name":"acme"}`,
	`{"type":"SSHPOP","name":"sshpop"}`,
	`{"type":"OIDC","name":"oidc","clientID":"client","clientSecret":"","configurationEndpoint":"https://idp.test"}`,
	`{"type":"GCP","name":"gcp"}`,
	`{"type":"AWS","name":"aws"}`,
	`{"type":"Azure","name":"azure","tenantID":"tenant"}`,
	`{"type":"X5C","name":"x5c","roots":"AAAA"}`,
	`{"type":"K8sSA","name":"k8s","publicKeys":"AAAA"}`,
	`{"type":"SCEP","name":"scep","challenge":"s3cret"}`,
	`{"type":"Nebula","name":"nebula","roots":"AAAA"}`,
}

// newFixture returns a CA whose JWK provisioner has the given members besides
// type, name and key, and whose further provisioners are those given, or else
// fixtureJSON.
func newFixture(t testing.TB, jwkMembers string, others ...string) *fixture {
	t.Helper()
	f := &fixture{TB: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	f.key = must(jose.GenerateJWK())
	f.rootKey, f.intermediateKey, f.leafKey, f.sshKey = newKey(), newKey(), newKey(), newKey()
	f.root = f.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "root"}, IsCA: true, BasicConstraintsValid: true}, nil, f.rootKey, f.rootKey)
	f.intermediate = f.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "intermediate"}, IsCA: true, BasicConstraintsValid: true}, f.root, f.intermediateKey, f.rootKey)
	f.sshUser, f.sshHost = must(ssh.NewSignerFromSigner(newKey())), must(ssh.NewSignerFromSigner(newKey()))
	roots := x509.NewCertPool()
	roots.AddCert(f.root)
	f.cfg = Config{
		Webhooks:    true,
		DNSNames:    []string{"localhost", "127.0.0.1", "::1"},
		StepPath:    t.TempDir(),
		Roots:       roots,
		SSHUserKeys: []ssh.PublicKey{f.sshUser.PublicKey()},
		SSHHostKeys: []ssh.PublicKey{f.sshHost.PublicKey()},
		Started:     f.now.Add(-time.Hour),
		Now:         func() time.Time { return f.now },
		Log:         slog.New(slog.NewTextHandler(&f.log, nil)),
	}
	if others == nil {
		others = fixtureJSON
	}
	f.Collection = f.collect(append([]string{f.jwkJSON("jwk", jwkMembers)}, others...)...)
	return f
}

// jwkJSON returns the JSON of a JWK provisioner for the fixture's key.
func (f *fixture) jwkJSON(name, members string) string {
	key := must(json.Marshal(f.key.Public()))
	out := `{"type":"JWK","name":` + strconv.Quote(name) + `,"key":` + string(key)
	if members != "" {
		out += "," + members
	}
	return out + "}"
}

func (f *fixture) collect(provisioners ...string) *Collection {
	f.Helper()
	var parsed []Provisioner
	for _, raw := range provisioners {
		p, err := Parse(json.RawMessage(raw))
		if err != nil {
			f.Fatalf("Parse(%s): %v", raw, err)
		}
		parsed = append(parsed, p)
	}
	c, err := NewCollection(parsed, f.cfg)
	if err != nil {
		f.Fatalf("NewCollection: %v", err)
	}
	return c
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newKey() crypto.Signer { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

// sign issues a certificate for an hour around now, that of a CA for a day; a nil
// parent is itself.
func (f *fixture) sign(template, parent *x509.Certificate, key, signer crypto.Signer) *x509.Certificate {
	template.SerialNumber = must(rand.Int(rand.Reader, big.NewInt(1<<62)))
	if template.NotBefore.IsZero() {
		around := time.Hour
		if template.IsCA {
			around = 24 * time.Hour
		}
		template.NotBefore, template.NotAfter = f.now.Add(-around), f.now.Add(around)
	}
	template.KeyUsage |= x509.KeyUsageDigitalSignature
	if template.IsCA {
		template.KeyUsage |= x509.KeyUsageCertSign
	} else {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	if parent == nil {
		parent = template
	}
	return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer))))
}

// leaf issues a certificate with a provisioner extension, none if name is empty.
func (f *fixture) leaf(typ ca.ProvisionerType, name string, change ...func(*x509.Certificate)) *x509.Certificate {
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "leaf.test"}, DNSNames: []string{"leaf.test"}}
	if name != "" {
		value := must(ca.ProvisionerExtension{Type: typ, Name: []byte(name)}.Marshal())
		template.ExtraExtensions = []pkix.Extension{{Id: ca.OIDProvisioner, Value: value}}
	}
	for _, c := range change {
		c(template)
	}
	return f.sign(template, f.intermediate, f.leafKey, f.intermediateKey)
}

// object is a JSON object of claims.
type object map[string]any

// with returns a copy with members changed; nil removes one.
func (o object) with(name string, value any) object {
	c := object{}
	for k, v := range o {
		c[k] = v
	}
	if c[name] = value; value == nil {
		delete(c, name)
	}
	return c
}

// claims returns those of a good token of the JWK provisioner.
func (f *fixture) claims(aud string) object {
	id := must(rand.Int(rand.Reader, big.NewInt(1<<62)))
	return object{
		"iss": "jwk", "sub": "leaf.test", "aud": aud, "jti": id.String(),
		"iat": f.now.Unix(), "nbf": f.now.Unix(), "exp": f.now.Add(5 * time.Minute).Unix(),
	}
}

// token signs claims with the JWK provisioner's key.
func (f *fixture) token(claims object) string {
	return must(jose.SignClaims(claims, f.key, jose.SignOptions{}))
}

// bearer returns a renew token for a certificate of the fixture.
func (f *fixture) bearer(crt *x509.Certificate, claims object) string {
	all := object{
		"iss": renewIssuer, "sub": crt.Subject.CommonName, "aud": "https://localhost:9000/renew",
		"iat": f.now.Unix(), "nbf": f.now.Unix(), "exp": f.now.Add(5 * time.Minute).Unix(),
	}
	for k, v := range claims {
		all = all.with(k, v)
	}
	return must(jose.SignClaims(all, f.leafKey, jose.SignOptions{
		Header: map[string]any{"x5cInsecure": jose.EncodeChain([]*x509.Certificate{crt, f.intermediate})},
	}))
}

// sshCertificate issues an SSH certificate of the fixture's CA for its sshKey.
func (f *fixture) sshCertificate(typ uint32, change ...func(*ssh.Certificate)) *ssh.Certificate {
	crt := &ssh.Certificate{
		Key:             must(ssh.NewPublicKey(f.sshKey.Public())),
		Serial:          1234567890123456789,
		CertType:        typ,
		KeyId:           "host.test",
		ValidPrincipals: []string{"host.test"},
		ValidAfter:      uint64(f.now.Add(-time.Hour).Unix()),
		ValidBefore:     uint64(f.now.Add(time.Hour).Unix()),
	}
	for _, c := range change {
		c(crt)
	}
	signer := f.sshHost
	if typ == ssh.UserCert {
		signer = f.sshUser
	}
	if err := crt.SignCert(rand.Reader, signer); err != nil {
		f.Fatal(err)
	}
	return crt
}

// sshpop returns a token that proves possession of a certificate's key.
func (f *fixture) sshpop(crt *ssh.Certificate, claims object) string {
	return must(jose.SignClaims(claims, f.sshKey, jose.SignOptions{
		Header: map[string]any{"sshpop": base64.StdEncoding.EncodeToString(crt.Marshal())},
	}))
}

// records is what a database would know: one answer for all.
type records struct {
	x509       X509Record
	sshRevoked bool
	err        error
}

func (r records) X509Record(context.Context, *x509.Certificate) (X509Record, error) {
	return r.x509, r.err
}

func (r records) SSHRevoked(context.Context, *ssh.Certificate) (bool, error) {
	return r.sshRevoked, r.err
}

// outcome names the result of an authorization in tables.
func outcome(grant *ca.Grant, err error) string {
	switch {
	case err == nil && grant == nil:
		return "nothing"
	case err == nil:
		return "grant"
	case grant != nil:
		return "grant and error"
	case errors.Is(err, ca.ErrUnauthorized):
		return "401"
	case errors.Is(err, ca.ErrForbidden):
		return "403"
	case errors.Is(err, ca.ErrMalformed):
		return "400"
	}
	return err.Error()
}

// detail returns what the requester is told, "" for no more than the kind.
func detail(err error) string {
	if e, ok := errors.AsType[*ca.Error](err); ok {
		return e.Detail
	}
	return ""
}
