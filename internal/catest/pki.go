package catest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"

	"stepca/ca"
)

// writePKI makes a root and an intermediate with unencrypted keys.
func (c *CA) writePKI(opts Options) {
	c.t.Helper()
	now := time.Now()
	template := func(cn string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: cn},
			NotBefore: now.Add(-time.Hour), NotAfter: now.Add(365 * 24 * time.Hour),
			KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true, MaxPathLen: 1,
		}
	}
	rootKey, key := c.newKey(), c.newKey()
	rootTemplate, tmpl := template("Test Root CA"), template("Test Intermediate CA")
	tmpl.MaxPathLen, tmpl.MaxPathLenZero = 0, true
	if opts.Intermediate != nil {
		opts.Intermediate(tmpl)
	}
	c.Root = c.certificate(rootTemplate, rootTemplate, rootKey.Public(), rootKey)
	intermediate := c.certificate(tmpl, c.Root, key.Public(), rootKey)
	c.Fingerprint = ca.Fingerprint(c.Root)
	c.write("root_ca.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Root.Raw}))
	c.write("root_ca_key", c.keyPEM(rootKey))
	c.write("intermediate_ca.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: intermediate.Raw}))
	c.write("intermediate_ca_key", c.keyPEM(key))
}

func (c *CA) newKey() *ecdsa.PrivateKey {
	c.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		c.t.Fatal(err)
	}
	return key
}

func (c *CA) keyPEM(key *ecdsa.PrivateKey) []byte {
	c.t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		c.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func (c *CA) certificate(tmpl, parent *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	c.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, key)
	if err != nil {
		c.t.Fatal(err)
	}
	crt, err := x509.ParseCertificate(der)
	if err != nil {
		c.t.Fatal(err)
	}
	return crt
}
