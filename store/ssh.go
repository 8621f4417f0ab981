package store

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"stepca/ca"
	"stepca/kv"
	"stepca/plainjson"
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

func (c *SSHCertificate) writeMembers(w *plainjson.Writer) {
	w.Grow(usualMembers + base64.StdEncoding.EncodedLen(len(c.Wire)))
	w.Text("serial", strconv.FormatUint(c.Serial, 10))
	w.Text("type", string(c.Type))
	w.Text("keyId", c.KeyID)
	if len(c.Principals) > 0 {
		w.Texts("principals", c.Principals)
	}
	w.Time("validAfter", c.ValidAfter)
	if !c.ValidBefore.IsZero() {
		w.Time("validBefore", c.ValidBefore)
	}
	w.Time("issuedAt", c.IssuedAt)
	writeProvisioner(w, c.Provisioner)
	w.TextIfAny("operation", string(c.Operation))
	w.TextIfAny("tokenId", c.TokenID)
	w.TextIfAny("renewedFrom", c.RenewedFrom)
	w.TextIfAny("requestId", c.RequestID)
	w.Bytes("wire", c.Wire)
}

// SSHIssuance is what RecordSSH writes in one transaction.
type SSHIssuance struct {
	Certificates []*SSHCertificate // more than one with an "add user" certificate
	OneTime      *ca.OneTimeID     // spent; nil for none

	// X509 is the identity certificate issued along with them; nil for none.
	X509 *Certificate

	// Intents are closed. The one-time ID was spent with the first, so OneTime is
	// nil if there are any.
	Intents []*Intent
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
// ca.ErrUnauthorized), ErrSerialExists or, where one of them renews a certificate
// that is revoked, of kind ca.ErrUnauthorized.
func (s *Store) RecordSSH(ctx context.Context, iss *SSHIssuance) error {
	token, err := s.spending(iss.OneTime)
	if err != nil {
		return err
	}
	records, err := s.sshInsertions(iss)
	if err != nil {
		return err
	}
	err = s.engine.Update(ctx, func(tx kv.Tx) error {
		if s.tokensOnly {
			return token.write(tx)
		}
		if err := iss.checkPredecessors(tx); err != nil {
			return err
		}
		if err := token.write(tx); err != nil {
			return err
		}
		if err := writeAll(tx, records...); err != nil {
			return err
		}
		for _, in := range iss.Intents {
			if err := deleteIntent(tx, in); err != nil {
				return err
			}
		}
		return putHosts(tx, iss.Certificates)
	})
	return conflict(err, map[string]error{
		bucketTokens: errTokenUsed(), bucketSSH: ErrSerialExists, bucketCertificates: ErrSerialExists,
	})
}

// sshInsertions returns the records of an issuance.
func (s *Store) sshInsertions(iss *SSHIssuance) ([]*insertion, error) {
	var list []*insertion
	for _, c := range iss.Certificates {
		rec := *c
		s.issuedAt(&rec.IssuedAt)
		if iss.OneTime != nil && rec.TokenID == "" {
			rec.TokenID = iss.OneTime.ID
		}
		in, err := newInsertion(bucketSSH, sshKey(rec.Serial), &rec, rec.indexes()...)
		if err != nil {
			return nil, err
		}
		list = append(list, in)
	}
	if iss.X509 == nil {
		return list, nil
	}
	in, err := s.certificateInsertion(iss.X509, iss.OneTime)
	if err != nil {
		return nil, err
	}
	return append(list, in), nil
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
	token, err := s.spending(id)
	if err != nil {
		return err
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
			rec.ExpiresAt, rec.Issuer = c.ValidBefore, SSHIssuer(c.Type)
		}
		in, err := newInsertion(bucketSSHRevocations, key, &rec, sshRevocationIndexes(&rec, key)...)
		if err != nil {
			return err
		}
		return writeAll(tx, token, in)
	})
	return conflict(err, map[string]error{bucketTokens: errTokenUsed(), bucketSSHRevocations: errAlreadyRevoked(rev.Serial)})
}

// SSHIssuer names the key of the SSH CA for certificates of a type, as an issuer
// in revocations and intents.
func SSHIssuer(typ ca.SSHCertType) string { return sshIssuerPrefix + string(typ) }

const sshIssuerPrefix = "ssh-"

// sshIssuerType returns the type of certificates of an issuer, "" if it is none of
// the SSH CA's.
func sshIssuerType(name string) ca.SSHCertType {
	typ, ok := strings.CutPrefix(name, sshIssuerPrefix)
	if !ok || ca.SSHCertType(typ).Number() == 0 {
		return ""
	}
	return ca.SSHCertType(typ)
}

func sshRevocationIndexes(rev *ca.Revocation, key []byte) []index {
	return []index{
		{bucketSSHRevokedTime, append(appendNanos(nil, rev.RevokedAt), key...)},
		{bucketSSHRevokedEnds, append(appendExpiry(nil, rev.ExpiresAt), key...)},
	}
}

// SSHRevoked returns the revocation of an SSH certificate, or nil if it was not
// revoked.
func (s *Store) SSHRevoked(ctx context.Context, serial uint64) (*ca.Revocation, error) {
	return s.revoked(ctx, bucketSSHRevocations, sshKey(serial))
}
