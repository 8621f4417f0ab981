package store

import (
	"context"
	"strings"
	"time"

	"stepca/ca"
	"stepca/kv"
)

// An SSHQuery selects SSH certificates, newest first. At most one of Principal
// and KeyID is set; none selects all.
type SSHQuery struct {
	Page

	Principal string         // exactly this one; case does not matter
	Type      ca.SSHCertType // of Principal; "" means host
	KeyID     string

	// ExpiresFrom ≤ ValidBefore < ExpiresTo, soonest first; a zero end is open.
	ExpiresFrom, ExpiresTo time.Time
}

// SSHCertificates returns a page of SSH certificates and the cursor of the next,
// which is "" after the last.
func (s *Store) SSHCertificates(ctx context.Context, q SSHQuery) (page []*SSHCertificate, next string, err error) {
	if s.tokensOnly {
		return nil, "", errNoDatabase()
	}
	bucket, rng, skip := q.index()
	err = s.engine.View(ctx, func(r kv.Reader) error {
		page, next, err = list(r, bucket, rng, q.Page, func(e kv.Entry) (*SSHCertificate, error) {
			return load[SSHCertificate](r, bucketSSH, e.Key[skip:])
		})
		return err
	})
	return page, next, err
}

func (q *SSHQuery) index() (bucket string, rng kv.Range, skip int) {
	switch {
	case q.Principal != "":
		typ := q.Type
		if typ == "" {
			typ = ca.SSHHost
		}
		prefix := principalKey(typ, q.Principal)
		return bucketSSHByPrincipal, newestFirst(prefix), len(prefix) + timeLen
	case q.KeyID != "":
		prefix := textKey(q.KeyID)
		return bucketSSHByKeyID, newestFirst(prefix), len(prefix) + timeLen
	case !q.ExpiresFrom.IsZero() || !q.ExpiresTo.IsZero():
		if !q.ExpiresFrom.IsZero() {
			rng.From = appendTime(nil, q.ExpiresFrom)
		}
		if !q.ExpiresTo.IsZero() {
			rng.To = appendTime(nil, q.ExpiresTo)
		}
		return bucketSSHByExpiry, rng, timeLen
	}
	return bucketSSHByTime, newestFirst(nil), timeLen
}

// An SSHHost is a host principal with its newest certificate.
type SSHHost struct {
	Principal   string // lower case
	Serial      uint64
	ValidBefore time.Time // zero means forever
}

// SSHHosts returns the principals whose newest host certificate has not expired,
// in alphabetical order. Revocation does not matter here.
func (s *Store) SSHHosts(ctx context.Context) ([]SSHHost, error) {
	if s.tokensOnly {
		return nil, errNoDatabase()
	}
	now := s.now()
	var hosts []SSHHost
	err := s.engine.View(ctx, func(r kv.Reader) error {
		hosts = nil
		for e, err := range r.Scan(bucketSSHHosts, kv.Range{}) {
			if err != nil {
				return err
			}
			h, err := decode[sshHost](bucketSSHHosts, e.Key, e.Value)
			if err != nil {
				return err
			}
			if h.ValidBefore.IsZero() || h.ValidBefore.After(now) {
				principal := strings.TrimSuffix(string(e.Key), "\x00")
				hosts = append(hosts, SSHHost{principal, h.Serial, h.ValidBefore})
			}
		}
		return nil
	})
	return hosts, err
}

// sshHostLooks bounds how many certificates of a host SSHHostValid looks at.
const sshHostLooks = 50

// SSHHostValid reports whether one of the newest host certificates with that
// principal has neither expired nor been revoked. Case does not matter. Its time
// is that of one look-up unless the newest certificate was revoked.
func (s *Store) SSHHostValid(ctx context.Context, principal string) (bool, error) {
	if s.tokensOnly {
		return false, errNoDatabase()
	}
	now := s.now()
	valid := false
	err := s.engine.View(ctx, func(r kv.Reader) error {
		valid = false
		host, err := load[sshHost](r, bucketSSHHosts, textKey(strings.ToLower(principal)))
		if host == nil || err != nil {
			return err
		}
		revoked, err := lookup(r, bucketSSHRevocations, sshKey(host.Serial))
		if err != nil {
			return err
		}
		if revoked == nil {
			valid = host.ValidBefore.IsZero() || host.ValidBefore.After(now)
			return nil
		}
		valid, err = olderHostValid(r, principal, now)
		return err
	})
	return valid, err
}

// olderHostValid looks for a host certificate behind a revoked one.
func olderHostValid(r kv.Reader, principal string, now time.Time) (bool, error) {
	q := SSHQuery{Principal: principal}
	bucket, rng, skip := q.index()
	rng.Limit = sshHostLooks
	for e, err := range r.Scan(bucket, rng) {
		if err != nil {
			return false, err
		}
		key := e.Key[skip:]
		crt, err := load[SSHCertificate](r, bucketSSH, key)
		if err != nil {
			return false, err
		}
		revoked, err := lookup(r, bucketSSHRevocations, key)
		if err != nil {
			return false, err
		}
		if crt != nil && revoked == nil && (crt.ValidBefore.IsZero() || crt.ValidBefore.After(now)) {
			return true, nil
		}
	}
	return false, nil
}

// SSHHostExists reports whether a host certificate with that principal was ever
// issued, expired or revoked ones included. Case does not matter.
func (s *Store) SSHHostExists(ctx context.Context, principal string) (bool, error) {
	if s.tokensOnly {
		return false, errNoDatabase()
	}
	found := false
	err := s.engine.View(ctx, func(r kv.Reader) error {
		v, err := lookup(r, bucketSSHHosts, textKey(strings.ToLower(principal)))
		found = v != nil
		return err
	})
	return found, err
}
