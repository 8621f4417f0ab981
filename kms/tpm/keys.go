package tpm

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"stepca/keyfile"
	"stepca/kms"
)

// Keys lists the keys in the directory.
func (e *Engine) Keys(ctx context.Context) ([]kms.Key, error) {
	names, err := e.store.list()
	if err != nil {
		return nil, err
	}
	var keys []kms.Key
	for _, name := range names {
		r, err := e.store.load(name)
		if err != nil {
			return nil, err
		}
		public, err := r.public()
		if err != nil {
			return nil, err
		}
		keys = append(keys, kms.Key{URI: r.key().uri(), Public: public})
	}
	return keys, ctx.Err()
}

// DeleteKey deletes the files of a key, after which nobody can use it again.
func (e *Engine) DeleteKey(ctx context.Context, uri string) error {
	k, err := parseName(uri)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return e.store.delete(k)
}

// LoadCertificates returns the chain that is stored under the name of a key.
func (e *Engine) LoadCertificates(ctx context.Context, uri string) ([]*x509.Certificate, error) {
	k, err := parseName(uri)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return e.store.chain(k)
}

// StoreCertificates stores a chain under the name of a key. If there is such a
// key, the certificate has to be for it.
func (e *Engine) StoreCertificates(ctx context.Context, uri string, chain []*x509.Certificate) error {
	k, err := parseName(uri)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return e.store.putChain(k, chain)
}

func (s store) chain(k keyName) ([]*x509.Certificate, error) {
	chain, err := keyfile.LoadCertificates(s.file(k, certificateExtension))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("a certificate of %s in %s: %w", k, s.dir, kms.ErrNotFound)
	}
	return chain, err
}

func (s store) putChain(k keyName, chain []*x509.Certificate) error {
	if len(chain) == 0 {
		return errors.New("there is no certificate to store")
	}
	if s.has(k) {
		r, err := s.load(k)
		if err != nil {
			return err
		}
		if err := r.matches(chain[0]); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	return keyfile.WriteFile(s.file(k, certificateExtension), keyfile.EncodeCertificates(chain...), keyfile.SecretPerm)
}

// matches returns an error if a certificate is for another key.
func (r *record) matches(crt *x509.Certificate) error {
	public, err := r.public()
	if err != nil {
		return err
	}
	if keyfile.SamePublicKey(public, crt.PublicKey) {
		return nil
	}
	return fmt.Errorf("the certificate of %q is not for %s", crt.Subject, r.key())
}
