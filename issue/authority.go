package issue

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"stepca/kms"
)

// A State says what an authority is used for.
type State string

// The states of an authority.
const (
	Active  State = "active"  // signs certificates and CRLs; "" means the same
	Staged  State = "staged"  // published as an intermediate, signs nothing yet
	Retired State = "retired" // signs CRLs, and no certificates any more
)

// An Authority is one of our issuers: a name, a chain and the key of its first
// certificate (design: "issuer"). It is immutable.
type Authority struct {
	Name string // "default" for root, crt and key of ca.json

	// Chain starts with the issuing certificate; further intermediates follow,
	// each signed by the next. They are appended to every certificate.
	Chain []*x509.Certificate

	// Roots are the anchors of this CA, to find the one above Chain and its name
	// constraints.
	Roots []*x509.Certificate

	// Key signs. If it is outside this process (HSM, cloud KMS), the intent to
	// sign is recorded before the signature is asked for.
	Key kms.Signer

	State State

	// Pointers are written into certificates whose template has none of its own.
	Pointers Pointers

	constraints nameConstraints
	sigAlg      x509.SignatureAlgorithm // 0: the default of the key
	skid        []byte
}

// Pointers tell relying parties where to learn more of a certificate: authority
// information access (RFC 5280 §4.2.2.1) and CRL distribution points (§4.2.1.13).
type Pointers struct {
	OCSPServer            []string
	IssuingCertificateURL []string
	CRLDistributionPoints []string
}

// addTo writes the pointers that tbs has none of.
func (p *Pointers) addTo(tbs *x509.Certificate) {
	if len(tbs.OCSPServer)+len(tbs.IssuingCertificateURL) == 0 { // one extension
		tbs.OCSPServer, tbs.IssuingCertificateURL = p.OCSPServer, p.IssuingCertificateURL
	}
	if len(tbs.CRLDistributionPoints) == 0 {
		tbs.CRLDistributionPoints = p.CRLDistributionPoints
	}
}

// DefaultAuthority is the name of the authority that a grant means when it names
// none.
const DefaultAuthority = "default"

// prepare validates the authority and computes what every signature needs.
func (a *Authority) prepare() error {
	if len(a.Chain) == 0 {
		return fmt.Errorf("issuer %q has no certificate", a.Name)
	}
	crt := a.Chain[0]
	if !crt.IsCA || !crt.BasicConstraintsValid {
		return fmt.Errorf("issuer %q: certificate %q is not a CA certificate", a.Name, crt.Subject)
	}
	if crt.KeyUsage != 0 && crt.KeyUsage&x509.KeyUsageCertSign == 0 {
		return fmt.Errorf("issuer %q: certificate %q may not sign certificates (its keyUsage lacks certSign)", a.Name, crt.Subject)
	}
	if a.Key != nil && !samePublicKey(a.Key.Public(), crt.PublicKey) {
		return fmt.Errorf("issuer %q: the key does not belong to certificate %q", a.Name, crt.Subject)
	}
	a.skid = crt.SubjectKeyId
	if len(a.skid) == 0 {
		id, err := SubjectKeyID(crt.PublicKey)
		if err != nil {
			return err
		}
		a.skid = id
	}
	a.sigAlg = inheritedAlgorithm(crt)
	a.constraints = newNameConstraints(append(append([]*x509.Certificate{}, a.Chain...), a.rootsAbove()...))
	return nil
}

// rootsAbove returns the roots that issued the last certificate of the chain.
func (a *Authority) rootsAbove() []*x509.Certificate {
	last := a.Chain[len(a.Chain)-1]
	var above []*x509.Certificate
	for _, root := range a.Roots {
		if bytes.Equal(root.RawSubject, last.RawIssuer) && last.CheckSignatureFrom(root) == nil {
			above = append(above, root)
		}
	}
	return above
}

// Certificate returns the issuing certificate.
func (a *Authority) Certificate() *x509.Certificate { return a.Chain[0] }

// expired reports whether the issuing certificate is out of its validity.
func (a *Authority) expired(now time.Time) bool {
	return now.After(a.Chain[0].NotAfter) || now.Before(a.Chain[0].NotBefore)
}

// inheritedAlgorithm keeps the RSA scheme (PSS, hash) with which an RSA issuer
// was itself signed, as the reference does; other keys use their default.
func inheritedAlgorithm(crt *x509.Certificate) x509.SignatureAlgorithm {
	if _, ok := crt.PublicKey.(*rsa.PublicKey); !ok {
		return 0
	}
	switch crt.SignatureAlgorithm {
	case x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA,
		x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS:
		return crt.SignatureAlgorithm
	}
	return 0
}

// SubjectKeyID returns the SHA-1 of the subjectPublicKey BIT STRING, method (1)
// of RFC 5280 §4.2.1.2.
func SubjectKeyID(pub crypto.PublicKey) ([]byte, error) {
	bits, err := subjectPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("subject key identifier: %w", err)
	}
	sum := sha1.Sum(bits)
	return sum[:], nil
}

// subjectPublicKey returns the contents of the BIT STRING; for keys that have no
// structure of their own in it, without a detour through DER.
func subjectPublicKey(pub crypto.PublicKey) ([]byte, error) {
	switch key := pub.(type) {
	case *ecdsa.PublicKey:
		return key.Bytes() // uncompressed point, as x509 writes it
	case ed25519.PublicKey:
		return key, nil
	}
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, err
	}
	var spki struct {
		Algorithm asn1.RawValue
		PublicKey asn1.BitString
	}
	_, err = asn1.Unmarshal(der, &spki)
	return spki.PublicKey.Bytes, err
}

func samePublicKey(a, b crypto.PublicKey) bool {
	switch a := a.(type) {
	case *ecdsa.PublicKey:
		return a.Equal(b)
	case *rsa.PublicKey:
		return a.Equal(b)
	case ed25519.PublicKey:
		return a.Equal(b)
	}
	return false
}

var errNoKey = errors.New("its key is not open")
