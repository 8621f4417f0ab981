package kms

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"

	"stepca/keyfile"
)

// Errors that callers decide upon, found with errors.Is.
var (
	ErrNotFound    = errors.New("not found")        // the engine has no object of that name
	ErrExists      = errors.New("already exists")   // what was to be created is there
	ErrUnsupported = errors.New("is not supported") // the engine, key kind or operation is not in this build
)

// An Engine is an open key manager. Its methods are safe for concurrent use.
type Engine interface {
	// Signer returns the private key that uri names; ErrNotFound if there is
	// none. The Signer works until the engine is closed.
	Signer(ctx context.Context, uri string) (Signer, error)

	// PublicKey returns the public key that uri names, without a password or
	// PIN where the engine can do without.
	PublicKey(ctx context.Context, uri string) (crypto.PublicKey, error)

	// Close lets go of sessions and connections. It may be called twice.
	Close() error
}

// A Signer is a private key. Sign is SignContext with a context that never
// ends, and does not use its rand.
type Signer interface {
	crypto.Signer

	// SignContext signs a digest as crypto.Signer says, and gives up when ctx
	// is done.
	SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error)

	// Probe returns nil if the key could sign now. It makes no signature.
	Probe(ctx context.Context) error

	// External reports whether signatures are made outside this process. A
	// crash can then lose one that was made, so its intent is recorded first.
	External() bool
}

// A KeyCreator makes keys.
type KeyCreator interface {
	// CreateKey makes a key of the given kind under the name in uri, and returns
	// the URI by which Signer finds it, which may say more than was asked.
	// The error is ErrExists if there is a key of that name and the engine
	// does not keep versions, and ErrUnsupported for a kind it cannot make.
	CreateKey(ctx context.Context, uri string, spec keyfile.KeySpec) (Key, error)
}

// A Key is one that was created.
type Key struct {
	URI    string
	Public crypto.PublicKey
}

// A CertificateLoader holds certificates beside keys.
type CertificateLoader interface {
	// LoadCertificates returns the certificate that uri names, and its chain
	// if that is stored with it, leaf first.
	LoadCertificates(ctx context.Context, uri string) ([]*x509.Certificate, error)
}

// A CertificateStorer can be given certificates to hold.
type CertificateStorer interface {
	// StoreCertificates stores a certificate, with its chain where the engine
	// can hold one, in place of what was there.
	StoreCertificates(ctx context.Context, uri string, chain []*x509.Certificate) error
}

// A DecrypterLoader has keys that decrypt, for SCEP.
type DecrypterLoader interface {
	// Decrypter returns the private RSA key that uri names; ErrUnsupported if
	// it is of another kind.
	Decrypter(ctx context.Context, uri string) (crypto.Decrypter, error)
}
