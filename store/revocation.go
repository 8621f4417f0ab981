package store

import (
	"context"
	"fmt"
	"math/big"
	"time"

	"stepca/ca"
	"stepca/kv"
)

// Revoke stores the revocation of an X.509 certificate and spends the one-time
// ID that authorized it (nil for none), in one transaction. If the certificate is
// on record, Issuer and ExpiresAt are taken from there. It returns the revocation
// as stored.
//
// The error is ErrTokenUsed (kind ca.ErrUnauthorized) or of kind
// ca.ErrAlreadyRevoked where that is the reason; then nothing was spent.
func (s *Store) Revoke(ctx context.Context, rev *ca.Revocation, id *ca.OneTimeID) (*ca.Revocation, error) {
	if s.tokensOnly {
		return nil, errNoDatabase()
	}
	serial, err := parseSerial(rev.Serial)
	if err != nil {
		return nil, fmt.Errorf("revoking: %w", err)
	}
	key := serialKey(serial)
	token, err := s.spending(id)
	if err != nil {
		return nil, err
	}
	var stored ca.Revocation
	err = s.engine.Update(ctx, func(tx kv.Tx) error {
		stored = *rev
		now := s.now().UTC()
		if stored.RevokedAt.IsZero() {
			stored.RevokedAt = now
		}
		if err := fillFromCertificate(tx, key, &stored); err != nil {
			return err
		}
		in, err := newInsertion(bucketRevocations, key, &stored, revocationIndexes(&stored, key, now)...)
		if err != nil {
			return err
		}
		return writeAll(tx, token, in)
	})
	if err != nil {
		return nil, conflict(err, map[string]error{bucketTokens: errTokenUsed(), bucketRevocations: errAlreadyRevoked(rev.Serial)})
	}
	return &stored, nil
}

func errAlreadyRevoked(serial string) error {
	return ca.Errorf(ca.ErrAlreadyRevoked, "certificate with serial number '%s' is already revoked", serial)
}

// issuedBy is the part of a Certificate that a revocation takes over: the rest is
// not worth its decoding while other transactions wait.
type issuedBy struct {
	Issuer   string    `json:"issuer"`
	NotAfter time.Time `json:"notAfter"`
}

// fillFromCertificate completes rev from the record of the certificate, if there
// is one.
func fillFromCertificate(r kv.Reader, key []byte, rev *ca.Revocation) error {
	c, err := load[issuedBy](r, bucketCertificates, key)
	if c == nil || err != nil {
		return err
	}
	rev.ExpiresAt = c.NotAfter
	if c.Issuer != "" {
		rev.Issuer = c.Issuer
	}
	return nil
}

// Revoked returns the revocation of an X.509 certificate, or nil if it was not
// revoked.
func (s *Store) Revoked(ctx context.Context, serial *big.Int) (*ca.Revocation, error) {
	if serial.Sign() <= 0 || s.tokensOnly {
		return nil, nil
	}
	return s.revoked(ctx, bucketRevocations, serialKey(serial))
}

func (s *Store) revoked(ctx context.Context, bucket string, key []byte) (rev *ca.Revocation, err error) {
	err = s.engine.View(ctx, func(r kv.Reader) error {
		rev, err = load[ca.Revocation](r, bucket, key)
		return err
	})
	return rev, err
}

// Revocations returns a page of revocations of X.509 certificates, newest first.
func (s *Store) Revocations(ctx context.Context, p Page) (page []*ca.Revocation, next string, err error) {
	if s.tokensOnly {
		return nil, "", errNoDatabase()
	}
	err = s.engine.View(ctx, func(r kv.Reader) error {
		page, next, err = list(r, bucketRevokedByTime, newestFirst(nil), p, func(e kv.Entry) (*ca.Revocation, error) {
			return load[ca.Revocation](r, bucketRevocations, e.Key[min(revokedSerialAt, len(e.Key)):])
		})
		return err
	})
	return page, next, err
}
