package authority

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/api"
	"stepca/cli"
	"stepca/client"
	"stepca/jose"
	"stepca/keyfile"
)

// A staticCA has no provisioner with an encrypted key.
type staticCA struct{}

func (staticCA) Provisioners(context.Context) ([]json.RawMessage, error) { return nil, nil }
func (staticCA) EncryptedKey(context.Context, string) (string, error) {
	return "", errors.New("no such key")
}
func (staticCA) RootFingerprint(context.Context) (string, error) { return "ab", nil }
func (staticCA) Audience() string                                { return "https://ca.example.com/1.0" }

// credentials are files with keys and certificates of every kind.
type credentials struct {
	t                   *testing.T
	dir                 string
	x509Key, sshKey     crypto.Signer
	chain               []*x509.Certificate
	jwk                 *jose.JWK
	x5cCrt, x5cMore     string
	x5cFile, sshFile    string
	sshCrt, sshPub      string
	jwkFile, tokenFile  string
	publicOfAnotherPair string
}

func newCredentials(t *testing.T) *credentials {
	t.Helper()
	c := &credentials{t: t, dir: t.TempDir()}
	c.x509Key, c.sshKey = c.key(), c.key()
	root := c.certificate("root", c.key())
	c.chain = []*x509.Certificate{c.certificate("leaf", c.x509Key), root}
	c.x5cCrt = c.write("leaf.crt", keyfile.EncodeCertificates(c.chain[0]))
	c.x5cMore = c.write("more.crt", keyfile.EncodeCertificates(root))
	c.x5cFile, c.sshFile = c.private("leaf.key", c.x509Key), c.private("ssh_key", c.sshKey)
	c.publicOfAnotherPair = c.write("other.crt", keyfile.EncodeCertificates(c.certificate("other", c.key())))

	pub, err := ssh.NewPublicKey(c.sshKey.Public())
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(c.x509Key)
	if err != nil {
		t.Fatal(err)
	}
	cert := &ssh.Certificate{Key: pub, CertType: ssh.HostCert, ValidBefore: ssh.CertTimeInfinity}
	if err := cert.SignCert(rand.Reader, signer); err != nil {
		t.Fatal(err)
	}
	c.sshCrt, c.sshPub = c.write("ssh_key-cert.pub", ssh.MarshalAuthorizedKey(cert)), c.write("ssh_key.pub", ssh.MarshalAuthorizedKey(pub))

	if c.jwk, err = jose.GenerateJWK(); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(c.jwk)
	if err != nil {
		t.Fatal(err)
	}
	c.jwkFile, c.tokenFile = c.write("key.json", text), c.write("token", []byte("a.b.c\n"))
	return c
}

func (c *credentials) key() crypto.Signer {
	c.t.Helper()
	key, err := keyfile.Generate(keyfile.KeySpec{})
	if err != nil {
		c.t.Fatal(err)
	}
	return key
}

func (c *credentials) certificate(name string, key crypto.Signer) *x509.Certificate {
	c.t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		c.t.Fatal(err)
	}
	crt, err := x509.ParseCertificate(der)
	if err != nil {
		c.t.Fatal(err)
	}
	return crt
}

func (c *credentials) write(name string, data []byte) string {
	c.t.Helper()
	name = filepath.Join(c.dir, name)
	if err := os.WriteFile(name, data, 0o600); err != nil {
		c.t.Fatal(err)
	}
	return name
}

func (c *credentials) private(name string, key crypto.Signer) string {
	c.t.Helper()
	data, err := keyfile.EncodePrivateKey(key, keyfile.PKCS8, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.write(name, data)
}

// mint makes a token for a provisioner that is called p.
func (c *credentials) mint(f *TokenFlags, typ, route string) (string, error) {
	env := &cli.Env{Getenv: func(string) string { return "" }, Now: time.Now}
	p := &Provisioner{Name: "p", Type: typ, ConfigurationEndpoint: "http://idp.example.com"}
	return f.Mint(c.t.Context(), env, staticCA{}, p, client.TokenOptions{Route: route, Subject: "s"})
}

// What vouches is in the header, its key has signed, and the audience names the
// provisioner where the CA wants that.
func TestMint(t *testing.T) {
	t.Parallel()
	c := newCredentials(t)
	const base = "https://ca.example.com/1.0"
	tests := []struct {
		name, typ, route string
		flags            TokenFlags
		key              any
		audience         string
		check            func(*jose.Header) bool
	}{
		{"JWK", "JWK", api.PathSSHSign, TokenFlags{Key: c.jwkFile}, c.jwk.Public(), base + "/ssh/sign", nil},
		{"X5C", "x5c", api.PathSign, TokenFlags{X5CCert: c.x5cCrt, X5CKey: c.x5cFile}, c.x509Key.Public(), base + "/sign#x5c/p", func(h *jose.Header) bool {
			return slices.Equal(h.X5C, jose.EncodeChain(c.chain[:1]))
		}},
		{"X5C with more of the chain", "X5C", api.PathSSHSign, TokenFlags{X5CCert: c.x5cCrt, X5CKey: c.x5cFile, X5CChain: []string{c.x5cMore}}, c.x509Key.Public(),
			base + "/ssh/sign#x5c/p", func(h *jose.Header) bool { return slices.Equal(h.X5C, jose.EncodeChain(c.chain)) }},
		{"X5C, not verified", "X5C", api.PathSign, TokenFlags{X5CCert: c.x5cCrt, X5CKey: c.x5cFile, X5CInsecure: true}, c.x509Key.Public(),
			base + "/sign#x5c/p", func(h *jose.Header) bool { return len(h.X5C) == 0 && len(h.X5CInsecure) == 1 }},
		{"SSHPOP", "SSHPOP", api.PathSSHRenew, TokenFlags{SSHPOPCert: c.sshCrt, SSHPOPKey: c.sshFile}, c.sshKey.Public(), base + "/ssh/renew#sshpop/p", func(h *jose.Header) bool {
			return strings.Contains(string(readFile(t, c.sshCrt)), " "+h.SSHPOP)
		}},
	}
	for _, tt := range tests {
		token, err := c.mint(&tt.flags, tt.typ, tt.route)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		jws, err := jose.ParseCompact(token)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var claims struct {
			Issuer      string `json:"iss"`
			Subject     string `json:"sub"`
			Audience    string `json:"aud"`
			Fingerprint string `json:"sha"`
		}
		if err := jws.VerifiedClaims(tt.key, &claims); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if claims.Issuer != "p" || claims.Subject != "s" || claims.Fingerprint != "ab" || claims.Audience != tt.audience {
			t.Errorf("%s: claims %+v, want the audience %s", tt.name, claims, tt.audience)
		}
		if tt.check != nil && !tt.check(&jws.Header) {
			t.Errorf("%s: header %s", tt.name, jws.RawHeader())
		}
	}
	if token, err := c.mint(&TokenFlags{K8sSATokenPath: c.tokenFile}, "K8sSA", api.PathSign); err != nil || token != "a.b.c" {
		t.Errorf("K8sSA: %q, %v", token, err)
	}
}

func TestMintFails(t *testing.T) {
	t.Parallel()
	c := newCredentials(t)
	for _, tt := range []struct {
		typ, route string
		flags      TokenFlags
		want       string
	}{
		{"X5C", api.PathSign, TokenFlags{X5CKey: c.x5cFile}, "provisioner type 'X5C' requires the '--x5c-cert' flag"},
		{"X5C", api.PathSign, TokenFlags{X5CCert: c.x5cCrt}, "provisioner type 'X5C' requires the '--x5c-key' flag"},
		{"X5C", api.PathSign, TokenFlags{X5CCert: c.publicOfAnotherPair, X5CKey: c.x5cFile}, "not"},
		{"SSHPOP", api.PathSSHSign, TokenFlags{SSHPOPCert: c.sshCrt, SSHPOPKey: c.sshFile}, "SSHPOP provisioners only renew, rekey and revoke SSH certificates"},
		{"SSHPOP", api.PathSSHRenew, TokenFlags{SSHPOPKey: c.sshFile}, "provisioner type 'SSHPOP' requires the '--sshpop-cert' flag"},
		{"SSHPOP", api.PathSSHRenew, TokenFlags{SSHPOPCert: c.sshCrt}, "provisioner type 'SSHPOP' requires the '--sshpop-key' flag"},
		{"SSHPOP", api.PathSSHRenew, TokenFlags{SSHPOPCert: c.sshPub, SSHPOPKey: c.sshFile}, "an SSH public key, not a certificate"},
		{"SSHPOP", api.PathSSHRenew, TokenFlags{SSHPOPCert: c.x5cCrt, SSHPOPKey: c.sshFile}, "not an SSH certificate"},
		{"SSHPOP", api.PathSSHRenew, TokenFlags{SSHPOPCert: c.sshCrt, SSHPOPKey: c.x5cFile}, "leaf.key is not that of the certificate in "},
		{"OIDC", api.PathSSHSign, TokenFlags{}, `error generating OIDC token: "http://idp.example.com/.well-known/openid-configuration" is not https`},
		{"OIDC", api.PathSSHSign, TokenFlags{RedirectURL: "javascript:alert(1)"}, "invalid value 'javascript:alert(1)' for flag '--redirect-url'; it must be the URL of a web page"},
		{"ACME", api.PathSign, TokenFlags{}, "step ACME provisioners do not support token auth flows"},
		{"SCEP", api.PathSign, TokenFlags{}, "step SCEP provisioners do not support token auth flows"},
		{"AWS", api.PathSign, TokenFlags{}, "cannot make tokens for provisioners of type AWS"},
		{"JWK", api.PathSign, TokenFlags{Key: c.x5cCrt}, "leaf.crt"},
		{"JWK", api.PathSign, TokenFlags{}, "no such key"},
	} {
		token, err := c.mint(&tt.flags, tt.typ, tt.route)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %q, %v, want %q", tt.typ, token, err, tt.want)
		}
	}
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
