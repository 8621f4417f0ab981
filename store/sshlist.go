package store

import (
	"context"
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
