package store

import (
	"bytes"
	"context"
	"errors"
	"time"

	"stepca/ca"
	"stepca/kv"
)

// A RevokedEntry is what a CRL says of a revoked certificate.
type RevokedEntry struct {
	Serial     []byte // octets without sign, most significant first
	Issuer     IssuerHash
	RevokedAt  time.Time // whole seconds
	RecordedAt time.Time // when the record was written, to the nanosecond
	ExpiresAt  time.Time // zero if not known
	ReasonCode int
}

// An IssuerHash stands for the name of an issuer in an index.
type IssuerHash [provHashLen]byte

// HashIssuer returns the hash of an issuer's name.
func HashIssuer(name string) IssuerHash { return IssuerHash(provKey(name)) }

// The two indexes of revocations hold all that a CRL needs, so that loading a
// million of them, or following them, reads no record:
//
//	bucketRevokedByExpiry  expiry ‖ recorded ‖ revoked ‖ hash of the issuer ‖ reason ‖ serial
//	bucketRevokedByTime    recorded ‖ expiry ‖ the same
const (
	revokedAt       = timeLen + nanosLen // offset of: revoked
	revokedIssuerAt = revokedAt + timeLen
	revokedReasonAt = revokedIssuerAt + provHashLen
	revokedSerialAt = revokedReasonAt + 1
)

// revocationIndexes returns the entries of a revocation that was recorded at the
// given time, which is when followers learn of it, whatever RevokedAt says.
func revocationIndexes(rev *ca.Revocation, serial []byte, recorded time.Time) []index {
	expiry, time := appendExpiry(nil, rev.ExpiresAt), appendNanos(nil, recorded)
	rest := appendTime(nil, rev.RevokedAt)
	rest = append(rest, provKey(rev.Issuer)...)
	rest = append(rest, byte(rev.ReasonCode))
	rest = append(rest, serial...)
	return []index{
		{bucketRevokedByExpiry, join(expiry, time, rest)},
		{bucketRevokedByTime, join(time, expiry, rest)},
	}
}

// byTimeKey returns the key in bucketRevokedByTime that belongs to one in
// bucketRevokedByExpiry.
func byTimeKey(key []byte) []byte {
	return join(key[timeLen:revokedAt], key[:timeLen], key[revokedAt:])
}

// parseRevoked parses a key of either index, given where expiry and recorded
// stand in it.
func parseRevoked(key []byte, expiryAt, recordedAt int) (RevokedEntry, error) {
	if len(key) <= revokedSerialAt {
		return RevokedEntry{}, errShortRevoked
	}
	return RevokedEntry{
		ExpiresAt:  keyTime(key[expiryAt:]),
		RecordedAt: keyNanos(key[recordedAt:]),
		RevokedAt:  keyTime(key[revokedAt:]),
		Issuer:     IssuerHash(key[revokedIssuerAt:]),
		ReasonCode: int(key[revokedReasonAt]),
		Serial:     bytes.Clone(key[revokedSerialAt:]),
	}, nil
}

var errShortRevoked = errors.New("index of revocations is damaged: short key")

// revokedChunk is how many entries one snapshot of a load yields, so that no
// engine has to keep a snapshot for long.
const revokedChunk = 10_000

// LoadRevoked calls f with the revocations of certificates that expire at or
// after the given time or have no known end. Those recorded while it runs may or
// may not be among them.
func (s *Store) LoadRevoked(ctx context.Context, expiresFrom time.Time, f func(RevokedEntry)) error {
	from := appendTime(nil, expiresFrom)
	return s.scanRevoked(ctx, bucketRevokedByExpiry, from, func(key []byte) (RevokedEntry, error) {
		return parseRevoked(key, 0, timeLen)
	}, f)
}

// RevokedSince calls f with the revocations recorded at or after the given time,
// in that order, by whichever server. Clocks of servers differ and transactions
// take a while, so one that follows the log asks from a little before its last
// look, and ignores what it has seen.
func (s *Store) RevokedSince(ctx context.Context, t time.Time, f func(RevokedEntry)) error {
	return s.scanRevoked(ctx, bucketRevokedByTime, appendNanos(nil, t), func(key []byte) (RevokedEntry, error) {
		return parseRevoked(key, nanosLen, 0)
	}, f)
}

// scanRevoked calls f with the entries of an index from the given key on.
func (s *Store) scanRevoked(ctx context.Context, bucket string, from []byte, parse func([]byte) (RevokedEntry, error), f func(RevokedEntry)) error {
	return s.eachKey(ctx, bucket, from, func(_ kv.Reader, key []byte) error {
		entry, err := parse(key)
		if err == nil {
			f(entry)
		}
		return err
	})
}

// eachKey calls f with the keys of a bucket from the given one on, a chunk to a
// transaction, so that a long log holds up nobody.
func (s *Store) eachKey(ctx context.Context, bucket string, from []byte, f func(r kv.Reader, key []byte) error) error {
	for {
		n := 0
		err := s.engine.View(ctx, func(r kv.Reader) error {
			var last []byte
			for e, err := range r.Scan(bucket, kv.Range{From: from, Limit: revokedChunk}) {
				if err != nil {
					return err
				}
				if err := f(r, e.Key); err != nil {
					return err
				}
				last = e.Key
				n++
			}
			from = append(bytes.Clone(last), 0)
			return nil
		})
		if err != nil || n < revokedChunk {
			return err
		}
	}
}
