package store

import (
	"bytes"
	"context"
	"errors"
	"sync"
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

// appendRevoked appends the key of a revocation in the index by expiry. It holds
// all that a CRL needs, so that loading a million of them reads no record:
//
//	expiry ‖ recorded ‖ revoked ‖ hash of the issuer ‖ reason ‖ serial
func appendRevoked(b []byte, rev *ca.Revocation, recorded time.Time, serial []byte) []byte {
	b = appendExpiry(b, rev.ExpiresAt)
	b = appendNanos(b, recorded)
	b = appendTime(b, rev.RevokedAt)
	b = append(b, provKey(rev.Issuer)...)
	b = append(b, byte(rev.ReasonCode))
	return append(b, serial...)
}

// Where the parts of such a key begin.
const (
	revokedRecordedAt = timeLen
	revokedAt         = revokedRecordedAt + nanosLen
	revokedIssuerAt   = revokedAt + timeLen
	revokedReasonAt   = revokedIssuerAt + provHashLen
	revokedSerialAt   = revokedReasonAt + 1
)

var errShortRevoked = errors.New("index of revocations is damaged: short key")

func parseRevoked(key []byte) (RevokedEntry, error) {
	if len(key) <= revokedSerialAt {
		return RevokedEntry{}, errShortRevoked
	}
	return RevokedEntry{
		ExpiresAt:  keyTime(key),
		RecordedAt: keyNanos(key[revokedRecordedAt:]),
		RevokedAt:  keyTime(key[revokedAt:]),
		Issuer:     IssuerHash(key[revokedIssuerAt:]),
		ReasonCode: int(key[revokedReasonAt]),
		Serial:     bytes.Clone(key[revokedSerialAt:]),
	}, nil
}

// revokedChunk is how many entries one snapshot of a load yields, so that no
// engine has to keep a snapshot for long.
const revokedChunk = 10_000

// LoadRevoked calls f with the revocations of certificates that expire at or
// after the given time or have no known end. Those recorded while it runs may or
// may not be among them.
func (s *Store) LoadRevoked(ctx context.Context, expiresFrom time.Time, f func(RevokedEntry)) error {
	from := appendTime(nil, expiresFrom)
	return s.scanChunks(ctx, bucketRevokedByExpiry, from, func(_ kv.Reader, key []byte) error {
		e, err := parseRevoked(key)
		if err != nil {
			return err
		}
		f(e)
		return nil
	})
}

// RevokedSince calls f with the revocations recorded at or after the given time,
// in that order, by whichever server. Clocks of servers differ and transactions
// take a while, so one that follows the log asks from a little before its last
// look, and ignores what it has seen.
func (s *Store) RevokedSince(ctx context.Context, t time.Time, f func(RevokedEntry)) error {
	return s.scanChunks(ctx, bucketRevokedByTime, appendNanos(nil, t), func(r kv.Reader, key []byte) error {
		serial := key[nanosLen:]
		rev, err := load[ca.Revocation](r, bucketRevocations, serial)
		if rev == nil || err != nil {
			return err
		}
		e, err := parseRevoked(appendRevoked(nil, rev, keyNanos(key), serial))
		if err != nil {
			return err
		}
		f(e)
		return nil
	})
}

// scanChunks calls f with the keys of a bucket from the given one on.
func (s *Store) scanChunks(ctx context.Context, bucket string, from []byte, f func(kv.Reader, []byte) error) error {
	for {
		n := 0
		err := s.engine.View(ctx, func(r kv.Reader) error {
			for e, err := range r.Scan(bucket, kv.Range{From: from, Limit: revokedChunk}) {
				if err != nil {
					return err
				}
				if err := f(r, e.Key); err != nil {
					return err
				}
				n++
				from = append(append(from[:0:0], e.Key...), 0)
			}
			return nil
		})
		if err != nil || n < revokedChunk {
			return err
		}
	}
}

// RevokedSignal returns a channel that is closed when this process records the
// next revocation of an X.509 certificate.
func (s *Store) RevokedSignal() <-chan struct{} { return s.revocations.wait() }

// A notifier wakes those who wait for something to happen in this process.
type notifier struct {
	mu   sync.Mutex // guards wake
	wake chan struct{}
}

func (n *notifier) notify() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.wake != nil {
		close(n.wake)
		n.wake = nil
	}
}

// wait returns a channel that the next notify closes.
func (n *notifier) wait() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.wake == nil {
		n.wake = make(chan struct{})
	}
	return n.wake
}
