package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"stepca/ca"
	"stepca/config"
	"stepca/jose"
)

// An authority is the CA under measurement, as its clients know it.
type authority struct {
	dir         string
	root        *x509.Certificate
	fingerprint string
	provisioner *jose.JWK // private key of the provisioner "bench"
	address     string    // host:port, free when it was chosen
}

// newAuthority writes the keys, certificates and configuration of a CA with P-256
// keys, a JWK and an ACME provisioner, and its store in dir/db.
func newAuthority(dir string, edit func(map[string]any)) (*authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	a := &authority{dir: dir}
	if err := a.writePKI(); err != nil {
		return nil, err
	}
	var err error
	if a.provisioner, err = jose.GenerateJWK(); err != nil {
		return nil, err
	}
	if a.address, err = freeAddress(); err != nil {
		return nil, err
	}
	public := a.provisioner.Public()
	cfg := map[string]any{
		"root": a.path("root.crt"), "crt": a.path("intermediate.crt"), "key": a.path("intermediate.key"),
		"address": a.address, "dnsNames": []string{"127.0.0.1"},
		"db": map[string]any{"type": config.EnginePebble, "dataSource": a.path("db")},
		"authority": map[string]any{"provisioners": []any{
			map[string]any{"type": "JWK", "name": "bench", "key": &public, "claims": map[string]any{"enableSSHCA": true}},
			map[string]any{"type": "ACME", "name": "acme"},
		}},
		"ssh": map[string]any{"userKey": a.path("ssh_user.key")},
	}
	if edit != nil {
		edit(cfg)
	}
	data, err := json.MarshalIndent(cfg, "", "\t")
	if err != nil {
		return nil, err
	}
	return a, os.WriteFile(a.path("ca.json"), data, 0o600)
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) url(path string) string { return "https://" + a.address + path }

// freeAddress returns a loopback address that nobody listens on at the moment.
func freeAddress() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

func (a *authority) writePKI() error {
	rootKey, err := newKey()
	if err != nil {
		return err
	}
	key, err := newKey()
	if err != nil {
		return err
	}
	template := authorityTemplate("Bench Root CA")
	if a.root, err = certify(template, template, rootKey.Public(), rootKey); err != nil {
		return err
	}
	a.fingerprint = ca.Fingerprint(a.root)
	intermediate, err := certify(authorityTemplate("Bench Intermediate CA"), a.root, key.Public(), rootKey)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	userKey, err := newKey()
	if err != nil {
		return err
	}
	userDER, err := x509.MarshalPKCS8PrivateKey(userKey)
	if err != nil {
		return err
	}
	for name, block := range map[string]*pem.Block{
		"root.crt":         {Type: "CERTIFICATE", Bytes: a.root.Raw},
		"intermediate.crt": {Type: "CERTIFICATE", Bytes: intermediate.Raw},
		"intermediate.key": {Type: "PRIVATE KEY", Bytes: der},
		"ssh_user.key":     {Type: "PRIVATE KEY", Bytes: userDER},
	} {
		if err := os.WriteFile(a.path(name), pem.EncodeToMemory(block), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

func authorityTemplate(cn string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: cn},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(365 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true,
	}
}

func certify(tmpl, parent *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// token returns a one-time token for an endpoint. It has to be made after the
// server started: older ones are refused.
func (a *authority) token(path, subject string, sans []string) (string, error) {
	if sans == nil {
		return a.signedToken(path, subject, nil)
	}
	return a.signedToken(path, subject, map[string]any{"sans": sans})
}

// signedToken is token with any further claims.
func (a *authority) signedToken(path, subject string, more map[string]any) (string, error) {
	now := time.Now()
	claims := map[string]any{
		"iss": "bench", "aud": a.url(path), "sub": subject, "jti": rand.Text(), "sha": a.fingerprint,
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	maps.Copy(claims, more)
	return jose.SignClaims(claims, a.provisioner, jose.SignOptions{Type: "JWT", KeyID: a.provisioner.KeyID})
}
