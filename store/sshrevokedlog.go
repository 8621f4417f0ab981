package store

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"stepca/ca"
	"stepca/kv"
)

// An SSHRevokedEntry is what a KRL needs to know of a revoked certificate.
type SSHRevokedEntry struct {
	Serial    uint64
	RevokedAt time.Time
	ExpiresAt time.Time      // zero if it is not known, or never
	Type      ca.SSHCertType // "" if it is not known
}

const sshSerialLen = 8

// SSHRevokedSince calls f with the SSH certificates revoked at or after the given
// time, in that order, by whichever server. RevokedSince says how to follow.
func (s *Store) SSHRevokedSince(ctx context.Context, t time.Time, f func(SSHRevokedEntry)) error {
	if s.tokensOnly {
		return errNoDatabase()
	}
	return s.eachKey(ctx, bucketSSHRevokedTime, appendNanos(nil, t), func(r kv.Reader, key []byte) error {
		entry, err := loadSSHRevoked(r, key)
		if err == nil {
			f(entry)
		}
		return err
	})
}

func loadSSHRevoked(r kv.Reader, key []byte) (SSHRevokedEntry, error) {
	if len(key) != nanosLen+sshSerialLen {
		return SSHRevokedEntry{}, errors.New("index of SSH revocations is damaged: wrong length of a key")
	}
	serial := key[nanosLen:]
	entry := SSHRevokedEntry{Serial: binary.BigEndian.Uint64(serial), RevokedAt: keyNanos(key)}
	rev, err := load[ca.Revocation](r, bucketSSHRevocations, serial)
	if rev != nil {
		entry.ExpiresAt = rev.ExpiresAt
		entry.Type = sshIssuerType(rev.Issuer)
	}
	return entry, err
}
