package kms

import (
	"context"
	"crypto"
	"crypto/rand"
	"io"
)

// Local returns the Signer of a key in this process.
func Local(key crypto.Signer) Signer { return local{key} }

type local struct{ crypto.Signer }

// SignContext implements Signer; a signature in this process is never waited for.
func (l local) SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return l.Signer.Sign(rand.Reader, digest, opts)
}

// Probe implements Signer.
func (l local) Probe(ctx context.Context) error { return ctx.Err() }

// External implements Signer.
func (l local) External() bool { return false }

// WithContext returns a crypto.Signer whose Sign gives up when ctx is done: for
// x509.CreateCertificate and others that pass no context on.
func WithContext(ctx context.Context, s Signer) crypto.Signer { return bound{ctx, s} }

type bound struct {
	ctx    context.Context // of the one operation the value is made for
	signer Signer
}

// Public implements crypto.Signer.
func (b bound) Public() crypto.PublicKey { return b.signer.Public() }

// Sign implements crypto.Signer.
func (b bound) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return b.signer.SignContext(b.ctx, digest, opts)
}
