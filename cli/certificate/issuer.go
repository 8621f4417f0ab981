package certificate

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"time"

	"stepca/ca"
	"stepca/cli"
	"stepca/issue"
	"stepca/keyfile"
)

// Default lifetimes of certificates made on this machine.
const (
	leafLifetime = 24 * time.Hour
	caLifetime   = 10 * 365 * 24 * time.Hour
)

// An issuer signs certificates with a key on this machine.
type issuer struct {
	chain []*x509.Certificate // the issuing certificate first; nil if the certificate is self-signed
	key   crypto.Signer
}

// loadIssuer reads the key of the issuer whose chain this is, and checks that
// they belong together.
func loadIssuer(ctx context.Context, env *cli.Env, chain []*x509.Certificate, kmsURI, keyFile string, pw keyfile.Password) (*issuer, error) {
	key, err := env.LoadSigner(ctx, kmsURI, keyFile, pw)
	if err != nil {
		return nil, err
	}
	if err := keyfile.CheckPair(chain[0], key); err != nil {
		return nil, err
	}
	return &issuer{chain: chain, key: key}, nil
}

// sign completes the contents, signs them for the public key, and returns the
// certificate. Zero times mean from now, and the lifetime.
func (i *issuer) sign(env *cli.Env, tbs *x509.Certificate, pub crypto.PublicKey, lifetime time.Duration) (*x509.Certificate, error) {
	now := env.Now().UTC().Truncate(time.Second)
	if tbs.NotBefore.IsZero() {
		tbs.NotBefore = now
	}
	if tbs.NotAfter.IsZero() {
		tbs.NotAfter = tbs.NotBefore.Add(lifetime)
	}
	if tbs.SerialNumber == nil {
		tbs.SerialNumber = ca.NewSerialNumber()
	}
	if len(tbs.SubjectKeyId) == 0 {
		var err error
		if tbs.SubjectKeyId, err = issue.SubjectKeyID(pub); err != nil {
			return nil, err
		}
	}
	parent := tbs
	if i.chain != nil {
		parent = i.chain[0]
		tbs.AuthorityKeyId = nil // x509.CreateCertificate takes the parent's
		if tbs.NotAfter.After(parent.NotAfter) {
			env.Noticef("warning: the certificate is valid until %s, longer than its issuer, which expires on %s",
				tbs.NotAfter.UTC().Format(time.RFC3339), parent.NotAfter.UTC().Format(time.RFC3339))
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, tbs, parent, pub, i.key)
	if err != nil {
		return nil, fmt.Errorf("error creating certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}
