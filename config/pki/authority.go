package pki

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"strings"
	"time"

	"stepca/ca"
	"stepca/keyfile"
	"stepca/template"
)

// An authority is a certificate and its key.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// newRoot makes a self-signed certificate.
func newRoot(name string, key crypto.Signer, now time.Time) (*authority, error) {
	cert, err := contents(template.Root, name, name+" Root CA", key)
	if err != nil {
		return nil, err
	}
	cert.NotBefore, cert.NotAfter = now, now.Add(Validity)
	return sign(cert, cert, key, key)
}

// newIntermediate makes a certificate signed by parent, which it does not
// outlive.
func (parent *authority) newIntermediate(name string, key crypto.Signer, now time.Time) (*authority, error) {
	cert, err := contents(template.Intermediate, name, name+" Intermediate CA", key)
	if err != nil {
		return nil, err
	}
	cert.NotBefore, cert.NotAfter = now, now.Add(Validity)
	if cert.NotAfter.After(parent.cert.NotAfter) {
		cert.NotAfter = parent.cert.NotAfter
	}
	if isRSAWithSHA2(parent) {
		cert.SignatureAlgorithm = parent.cert.SignatureAlgorithm
	}
	return sign(cert, parent.cert, key, parent.key)
}

// isRSAWithSHA2 reports whether the authority signs itself in a way worth
// keeping up: with an RSA key, and not with a broken hash.
func isRSAWithSHA2(a *authority) bool {
	if _, ok := a.key.Public().(*rsa.PublicKey); !ok {
		return false
	}
	switch a.cert.SignatureAlgorithm {
	case x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA,
		x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS:
		return true
	}
	return false
}

// contents renders one of the templates for CA certificates.
func contents(templateName, organization, commonName string, key crypto.Signer) (*x509.Certificate, error) {
	t, err := template.DefaultX509(templateName)
	if err != nil {
		return nil, err
	}
	rendered, err := t.Render(&template.X509Data{Subject: template.Name{
		Organization: template.Strings{organization},
		CommonName:   commonName,
	}})
	if err != nil {
		return nil, err
	}
	cert, err := rendered.X509()
	if err != nil {
		return nil, err
	}
	cert.SerialNumber = ca.NewSerialNumber()
	cert.SubjectKeyId, err = keyID(key.Public())
	return cert, err
}

// keyID returns the first method of RFC 5280 §4.2.1.2: SHA-1 of the bits of the
// public key. It identifies and protects nothing.
func keyID(pub crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, err
	}
	var spki struct {
		Algorithm asn1.RawValue
		PublicKey asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &spki); err != nil {
		return nil, err
	}
	sum := sha1.Sum(spki.PublicKey.Bytes)
	return sum[:], nil
}

func sign(cert, parent *x509.Certificate, key, parentKey crypto.Signer) (*authority, error) {
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, key.Public(), parentKey)
	if err != nil {
		return nil, err
	}
	signed, err := x509.ParseCertificate(der)
	return &authority{signed, key}, err
}

// load reads the root and its key, and checks that it can sign an intermediate
// that clients accept.
func (r *ExistingRoot) load(now time.Time) (*authority, error) {
	certs, key, err := keyfile.LoadPair(r.CertFile, r.KeyFile, r.Password)
	if err != nil {
		return nil, err
	}
	root := certs[0]
	switch {
	case !root.BasicConstraintsValid || !root.IsCA:
		err = fmt.Errorf("it is not a CA certificate (RFC 5280 §4.2.1.9)")
	case root.KeyUsage != 0 && root.KeyUsage&x509.KeyUsageCertSign == 0:
		err = fmt.Errorf("its key usage does not have certificate signing (RFC 5280 §4.2.1.3)")
	case root.MaxPathLen == 0 && root.MaxPathLenZero:
		err = fmt.Errorf("its path length of 0 allows no intermediate below it (RFC 5280 §4.2.1.9)")
	case now.After(root.NotAfter):
		err = fmt.Errorf("it expired on %s", root.NotAfter.Format(time.RFC3339))
	case now.Before(root.NotBefore):
		err = fmt.Errorf("it is not valid before %s", root.NotBefore.Format(time.RFC3339))
	case strings.HasPrefix(root.SignatureAlgorithm.String(), "MD5"):
		err = fmt.Errorf("it is signed with MD5")
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be the root of this CA: %w", r.CertFile, err)
	}
	return &authority{root, key}, nil
}
