package store

import (
	"context"
	"strings"
	"time"

	"stepca/ca"
	"stepca/kv"
)

// An SSHHost is a host principal with its newest certificate.
type SSHHost struct {
	Principal   string // lower case
	Serial      uint64
	ValidBefore time.Time // zero means forever
}

// An sshHost is the newest host certificate of a principal. Its record goes when
// the certificate has expired, unless an older one lasts longer, so that a list
// of hosts reads no more than it shows.
type sshHost struct {
	Serial      uint64    `json:"serial,string"`
	ValidBefore time.Time `json:"validBefore,omitzero"`
	Principal   string    `json:"principal,omitempty"` // lower case; "" if the key spells it out
}

func (h *sshHost) valid(now time.Time) bool {
	return h.ValidBefore.IsZero() || h.ValidBefore.After(now)
}

// principal returns the name that the record with a key is about.
func (h *sshHost) principal(key []byte) string {
	if h.Principal != "" {
		return h.Principal
	}
	return strings.TrimSuffix(string(key), "\x00")
}

func hostKey(principal string) []byte { return textKey(strings.ToLower(principal)) }

// putHosts makes the certificates the newest of their principals.
func putHosts(tx kv.Tx, certs []*SSHCertificate) error {
	for _, c := range certs {
		if c.Type != ca.SSHHost {
			continue
		}
		for _, p := range c.Principals {
			if err := putHost(tx, p, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// putHost makes c the certificate of a principal. The index entry of the one
// before stays until its time comes.
func putHost(tx kv.Tx, principal string, c *SSHCertificate) error {
	host, key := sshHost{Serial: c.Serial, ValidBefore: c.ValidBefore}, hostKey(principal)
	if lower := strings.ToLower(principal); host.principal(key) != lower {
		host.Principal = lower
	}
	if err := put(tx, bucketSSHHosts, key, host); err != nil || c.ValidBefore.IsZero() {
		return err
	}
	return tx.Put(bucketSSHHostsExpiry, append(appendTime(nil, c.ValidBefore), key...), nil)
}

// deleteHost gets a key of bucketSSHHostsExpiry whose time has come. It removes
// the host, or gives it the older certificate that it still has.
func (s *Store) deleteHost(tx kv.Tx, indexKey []byte) error {
	key, now := indexKey[timeLen:], s.now()
	host, err := load[sshHost](tx, bucketSSHHosts, key)
	if host == nil || err != nil || host.valid(now) {
		return err
	}
	principal := host.principal(key)
	older, err := olderHostValid(tx, principal, now)
	switch {
	case err != nil:
		return err
	case older != nil:
		return putHost(tx, principal, older)
	}
	return tx.Delete(bucketSSHHosts, key)
}

// SSHHosts returns a page of the principals whose newest host certificate has not
// expired, in alphabetical order, and the cursor of the next page, which is ""
// after the last. Revocation does not matter here.
func (s *Store) SSHHosts(ctx context.Context, p Page) (hosts []*SSHHost, next string, err error) {
	if s.tokensOnly {
		return nil, "", errNoDatabase()
	}
	now := s.now()
	err = s.engine.View(ctx, func(r kv.Reader) error {
		hosts, next, err = list(r, bucketSSHHosts, kv.Range{}, p, func(e kv.Entry) (*SSHHost, error) {
			h, err := decode[sshHost](bucketSSHHosts, e.Key, e.Value)
			if err != nil || !h.valid(now) {
				return nil, err
			}
			return &SSHHost{h.principal(e.Key), h.Serial, h.ValidBefore}, nil
		})
		return err
	})
	return hosts, next, err
}

// sshHostLooks bounds how many certificates of a host are looked at behind its
// newest.
const sshHostLooks = 20

// SSHHostValid reports whether one of the newest host certificates with that
// principal has neither expired nor been revoked. Case does not matter. Its time
// is that of one look-up unless the newest certificate is no longer good.
func (s *Store) SSHHostValid(ctx context.Context, principal string) (bool, error) {
	if s.tokensOnly {
		return false, errNoDatabase()
	}
	now := s.now()
	valid := false
	err := s.engine.View(ctx, func(r kv.Reader) error {
		valid = false
		host, err := load[sshHost](r, bucketSSHHosts, hostKey(principal))
		if host == nil || err != nil {
			return err
		}
		revoked, err := lookup(r, bucketSSHRevocations, sshKey(host.Serial))
		if err != nil {
			return err
		}
		if revoked == nil && host.valid(now) {
			valid = true
			return nil
		}
		older, err := olderHostValid(r, principal, now)
		valid = older != nil
		return err
	})
	return valid, err
}

// olderHostValid returns the newest certificate of a host that is neither revoked
// nor expired, or nil.
func olderHostValid(r kv.Reader, principal string, now time.Time) (*SSHCertificate, error) {
	q := SSHQuery{Principal: principal}
	bucket, rng, skip := q.index()
	rng.Limit = sshHostLooks
	for e, err := range r.Scan(bucket, rng) {
		if err != nil {
			return nil, err
		}
		key := e.Key[skip:]
		crt, err := load[SSHCertificate](r, bucketSSH, key)
		if err != nil {
			return nil, err
		}
		revoked, err := lookup(r, bucketSSHRevocations, key)
		if err != nil {
			return nil, err
		}
		if crt != nil && revoked == nil && (crt.ValidBefore.IsZero() || crt.ValidBefore.After(now)) {
			return crt, nil
		}
	}
	return nil, nil
}
