package kms

import (
	"context"
	"crypto/x509"
)

// An Attester proves to others that its keys cannot leave it.
type Attester interface {
	// Attest has the device certify the key that uri names, over data, which
	// is a digest that makes the certification fresh.
	Attest(ctx context.Context, uri string, data []byte) (*Attestation, error)
}

// An Attestation is what a device certifies of one of its keys. Its members are
// those of WebAuthn §8.3, in the encodings of the TPM 2.0 specification.
type Attestation struct {
	Format    string              // of the attestation statement: "tpm"
	Chain     []*x509.Certificate // of the attestation key, which signed, leaf first
	Alg       int64               // COSE algorithm of the signature (RFC 9053)
	CertInfo  []byte              // what was signed, a TPMS_ATTEST; has data in it
	Signature []byte              // TPMT_SIGNATURE
	PubArea   []byte              // the key, a TPMT_PUBLIC
	Device    []string            // what the key is kept in, lines for people
}

// A KeyDeleter forgets keys.
type KeyDeleter interface {
	// DeleteKey deletes the key that uri names, and certificates stored under
	// that name. The error is ErrNotFound if there is none.
	DeleteKey(ctx context.Context, uri string) error
}

// A KeyLister knows its keys.
type KeyLister interface {
	// Keys returns all keys, sorted by URI.
	Keys(ctx context.Context) ([]Key, error)
}
