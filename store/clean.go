package store

import (
	"context"
	"math/rand/v2"
	"time"

	"stepca/ca"
	"stepca/kv"
)

// Pace of deleting. A round goes over all kinds; a step is one transaction.
const (
	cleanEvery = 5 * time.Minute
	cleanStep  = 500                   // records a transaction
	cleanPause = 20 * time.Millisecond // between transactions, for others to go first

	// tokenGrace is how long a spent token is remembered after its end, against
	// clocks that differ.
	tokenGrace = 10 * time.Minute
)

// A sweep deletes the records of one kind that an index by time shows to be old.
type sweep struct {
	what   string
	bucket string        // index: time ‖ key of the record
	keep   time.Duration // after that time; Forever skips the sweep
	remove func(tx kv.Tx, indexKey []byte) error
}

func (s *Store) sweeps() []sweep {
	return []sweep{
		{"spent tokens", bucketTokensByExpiry, tokenGrace, deleteFrom(bucketTokens)},
		{"nonces", bucketNoncesByExpiry, tokenGrace, deleteFrom(bucketNonces)},
		{"orders", bucketOrdersByExpiry, s.retention.Orders, deleteOrder},
		{"refusals", bucketRefusals, s.retention.Refusals, func(kv.Tx, []byte) error { return nil }},
		{"certificates", bucketCertsByExpiry, s.retention.Certificates, deleteCertificate},
		{"revocations", bucketRevokedByExpiry, s.retention.Revocations, deleteRevocation},
		{"SSH revocations", bucketSSHRevokedEnds, s.retention.Revocations, deleteSSHRevocation},
		{"SSH certificates", bucketSSHByExpiry, s.retention.SSHCertificates, deleteSSH},
		{"SSH hosts", bucketSSHHostsExpiry, 0, s.deleteHost},
	}
}

// clean sweeps until ctx ends. The first round waits a random while, so that
// servers that start together do not sweep together.
func (s *Store) clean(ctx context.Context) {
	timer := time.NewTimer(rand.N(cleanEvery / 5))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if _, err := s.Clean(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("old records were not deleted", "error", err)
		}
		timer.Reset(cleanEvery)
	}
}

// Clean deletes what Retention no longer keeps and returns how many records that
// were. Run calls it from time to time.
func (s *Store) Clean(ctx context.Context) (int, error) {
	total := 0
	for _, sw := range s.sweeps() {
		if sw.keep == Forever {
			continue
		}
		n, err := s.sweep(ctx, sw)
		total += n
		if err != nil {
			return total, err
		}
		if n > 0 {
			s.log.Debug("old records deleted", "what", sw.what, "count", n)
		}
	}
	return total, nil
}

func (s *Store) sweep(ctx context.Context, sw sweep) (int, error) {
	total := 0
	for {
		n, err := s.sweepStep(ctx, sw)
		total += n
		if err != nil || n < cleanStep {
			return total, err
		}
		select {
		case <-ctx.Done():
			return total, ctx.Err()
		case <-time.After(cleanPause):
		}
	}
}

// sweepStep deletes up to cleanStep records in one transaction.
func (s *Store) sweepStep(ctx context.Context, sw sweep) (int, error) {
	rng := kv.Range{To: appendTime(nil, s.now().Add(-sw.keep)), Limit: cleanStep}
	var keys [][]byte
	err := s.engine.View(ctx, func(r kv.Reader) error {
		keys = nil
		for e, err := range r.Scan(sw.bucket, rng) {
			if err != nil {
				return err
			}
			keys = append(keys, append([]byte(nil), e.Key...))
		}
		return nil
	})
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	err = s.engine.Update(ctx, func(tx kv.Tx) error {
		for _, key := range keys {
			if err := sw.remove(tx, key); err != nil {
				return err
			}
			if err := tx.Delete(sw.bucket, key); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return len(keys), nil
}

// deleteFrom removes the record that an index entry names.
func deleteFrom(bucket string) func(kv.Tx, []byte) error {
	return func(tx kv.Tx, indexKey []byte) error { return tx.Delete(bucket, indexKey[timeLen:]) }
}

func deleteCertificate(tx kv.Tx, indexKey []byte) error {
	key := indexKey[timeLen:]
	c, err := load[Certificate](tx, bucketCertificates, key)
	if c == nil || err != nil {
		return err
	}
	if err := deleteIndexes(tx, c.indexes(key)); err != nil {
		return err
	}
	return tx.Delete(bucketCertificates, key)
}

// deleteRevocation gets a whole key of bucketRevokedByExpiry.
func deleteRevocation(tx kv.Tx, key []byte) error {
	if len(key) <= revokedSerialAt {
		return errShortRevoked
	}
	if err := tx.Delete(bucketRevokedByTime, byTimeKey(key)); err != nil {
		return err
	}
	return tx.Delete(bucketRevocations, key[revokedSerialAt:])
}

func deleteSSHRevocation(tx kv.Tx, indexKey []byte) error {
	key := indexKey[timeLen:]
	rev, err := load[ca.Revocation](tx, bucketSSHRevocations, key)
	if rev == nil || err != nil {
		return err
	}
	if err := deleteIndexes(tx, sshRevocationIndexes(rev, key)); err != nil {
		return err
	}
	return tx.Delete(bucketSSHRevocations, key)
}

func deleteSSH(tx kv.Tx, indexKey []byte) error {
	key := indexKey[timeLen:]
	c, err := load[SSHCertificate](tx, bucketSSH, key)
	if c == nil || err != nil {
		return err
	}
	if err := deleteIndexes(tx, c.indexes()); err != nil {
		return err
	}
	return tx.Delete(bucketSSH, key)
}
