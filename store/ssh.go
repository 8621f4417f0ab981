package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"stepca/ca"
	"stepca/kv"
)

// An SSHCertificate is the record of an issued SSH certificate (OpenSSH
// PROTOCOL.certkeys). Times are in UTC and whole seconds.
type SSHCertificate struct {
	Serial      uint64            `json:"serial,string"`
	Type        ca.SSHCertType    `json:"type"`
	KeyID       string            `json:"keyId"`
	Principals  []string          `json:"principals,omitempty"`
	ValidAfter  time.Time         `json:"validAfter"`
	ValidBefore time.Time         `json:"validBefore,omitzero"` // zero means forever
	IssuedAt    time.Time         `json:"issuedAt"`             // zero in RecordSSH means now
	Provisioner ca.ProvisionerRef `json:"provisioner,omitzero"`
	Operation   ca.Operation      `json:"operation,omitempty"`
	TokenID     string            `json:"tokenId,omitempty"`
	RenewedFrom string            `json:"renewedFrom,omitempty"` // decimal serial number
	RequestID   string            `json:"requestId,omitempty"`
	Wire        []byte            `json:"wire"` // what base64 shows in a -cert.pub file
}

// SSHIssuance is what RecordSSH writes in one transaction.
type SSHIssuance struct {
	Certificates []*SSHCertificate // more than one with an "add user" certificate
	OneTime      *ca.OneTimeID     // spent; nil for none

	// X509 is the identity certificate issued along with them; nil for none.
	X509 *Certificate
}

// An sshHost is the newest host certificate of a principal.
type sshHost struct {
	Serial      uint64    `json:"serial,string"`
	ValidBefore time.Time `json:"validBefore,omitzero"`
}

func sshKey(serial uint64) []byte { return binary.BigEndian.AppendUint64(nil, serial) }

// principalKey tells principals of users from those of hosts.
func principalKey(t ca.SSHCertType, principal string) []byte {
	return textKey(string(t) + ":" + strings.ToLower(principal))
}

func (c *SSHCertificate) indexes() []index {
	key := sshKey(c.Serial)
	since := append(appendTime(nil, c.IssuedAt), key...)
	list := []index{
		{bucketSSHByTime, since},
		{bucketSSHByExpiry, append(appendExpiry(nil, c.ValidBefore), key...)},
		{bucketSSHByKeyID, join(textKey(c.KeyID), since)},
	}
	for _, p := range c.Principals {
		list = append(list, index{bucketSSHByPrincipal, join(principalKey(c.Type, p), since)})
	}
	return list
}

// RecordSSH stores issued SSH certificates with their index entries and spends
// the one-time ID, all or nothing. The error is ErrTokenUsed (kind
// ca.ErrUnauthorized) or ErrSerialExists where that is the reason.
func (s *Store) RecordSSH(ctx context.Context, iss *SSHIssuance) error {
	err := s.engine.Update(ctx, func(tx kv.Tx) error {
		if err := s.spend(tx, iss.OneTime); err != nil || s.tokensOnly {
			return err
		}
		for _, c := range iss.Certificates {
			rec := *c
			if iss.OneTime != nil && rec.TokenID == "" {
				rec.TokenID = iss.OneTime.ID
			}
			if err := s.insertSSH(tx, &rec); err != nil {
				return err
			}
		}
		return s.insertIdentity(tx, iss.X509)
	})
	return conflict(err, map[string]error{
		bucketTokens: errTokenUsed(), bucketSSH: ErrSerialExists, bucketCertificates: ErrSerialExists,
	})
}

func (s *Store) insertSSH(tx kv.Tx, c *SSHCertificate) error {
	s.issuedAt(&c.IssuedAt)
	v, err := encode(c)
	if err != nil {
		return err
	}
	if err := tx.Insert(bucketSSH, sshKey(c.Serial), v); err != nil {
		return err
	}
	if c.Type == ca.SSHHost {
		for _, p := range c.Principals {
			host := sshHost{c.Serial, c.ValidBefore}
			if err := put(tx, bucketSSHHosts, textKey(strings.ToLower(p)), host); err != nil {
				return err
			}
		}
	}
	return putIndexes(tx, c.indexes())
}

// insertIdentity stores the X.509 certificate that came with an SSH certificate.
func (s *Store) insertIdentity(tx kv.Tx, c *Certificate) error {
	if c == nil {
		return nil
	}
	serial, err := parseSerial(c.Serial)
	if err != nil {
		return fmt.Errorf("recording an identity certificate: %w", err)
	}
	rec := *c
	s.issuedAt(&rec.IssuedAt)
	return s.insertCertificate(tx, serialKey(serial), &rec)
}

// SSHCertificate returns the record of a serial number; kind ca.ErrNotFound if
// there is none.
func (s *Store) SSHCertificate(ctx context.Context, serial uint64) (c *SSHCertificate, err error) {
	err = s.engine.View(ctx, func(r kv.Reader) error {
		c, err = load[SSHCertificate](r, bucketSSH, sshKey(serial))
		return err
	})
	if err == nil && c == nil {
		err = ca.Errorf(ca.ErrNotFound, "SSH certificate with serial number '%d' not found", serial)
	}
	return c, err
}

// SSHRevoke stores the revocation of an SSH certificate and spends the one-time
// ID that authorized it (nil for none). The errors are those of Revoke.
func (s *Store) SSHRevoke(ctx context.Context, rev *ca.Revocation, id *ca.OneTimeID) error {
	if s.tokensOnly {
		return errNoDatabase()
	}
	serial, err := strconv.ParseUint(rev.Serial, 10, 64)
	if err != nil {
		return ca.Errorf(ca.ErrMalformed, "'%s' is not a serial number of an SSH certificate", rev.Serial)
	}
	key := sshKey(serial)
	err = s.engine.Update(ctx, func(tx kv.Tx) error {
		rec := *rev
		if rec.RevokedAt.IsZero() {
			rec.RevokedAt = s.now().UTC()
		}
		if c, err := load[SSHCertificate](tx, bucketSSH, key); err != nil {
			return err
		} else if c != nil {
			rec.ExpiresAt = c.ValidBefore
		}
		if err := s.spend(tx, id); err != nil {
			return err
		}
		v, err := encode(rec)
		if err != nil {
			return err
		}
		if err := tx.Insert(bucketSSHRevocations, key, v); err != nil {
			return err
		}
		return putIndexes(tx, []index{sshRevocationIndex(&rec, key)})
	})
	return conflict(err, map[string]error{bucketTokens: errTokenUsed(), bucketSSHRevocations: errAlreadyRevoked(rev.Serial)})
}

func sshRevocationIndex(rev *ca.Revocation, key []byte) index {
	return index{bucketSSHRevokedTime, append(appendNanos(nil, rev.RevokedAt), key...)}
}

// SSHRevoked returns the revocation of an SSH certificate, or nil if it was not
// revoked.
func (s *Store) SSHRevoked(ctx context.Context, serial uint64) (*ca.Revocation, error) {
	return s.revoked(ctx, bucketSSHRevocations, sshKey(serial))
}
