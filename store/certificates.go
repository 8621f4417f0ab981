package store

import (
	"context"
	"time"

	"stepca/ca"
	"stepca/kv"
)

// A Query selects certificates. At most one of Name, Provisioner, KeyHash and
// the pair Expires… is set; none selects all. The list is newest first, by
// expiry if that selects.
type Query struct {
	Page

	Name        ca.Identifier // exactly this name; case does not matter
	Provisioner string        // ID of the provisioner
	KeyHash     []byte        // SHA-256 of the SubjectPublicKeyInfo

	// ExpiresFrom ≤ NotAfter < ExpiresTo, soonest first; a zero end is open.
	ExpiresFrom, ExpiresTo time.Time
}

// Certificates returns a page of certificates and the cursor of the next, which
// is "" after the last.
func (s *Store) Certificates(ctx context.Context, q Query) (page []*Certificate, next string, err error) {
	if s.tokensOnly {
		return nil, "", errNoDatabase()
	}
	bucket, rng, skip, err := q.index()
	if err != nil {
		return nil, "", err
	}
	err = s.engine.View(ctx, func(r kv.Reader) error {
		page, next, err = list(r, bucket, rng, q.Page, func(e kv.Entry) (*Certificate, error) {
			return load[Certificate](r, bucketCertificates, e.Key[skip:])
		})
		return err
	})
	return page, next, err
}

// index returns the range to scan, and how many octets of its keys stand before
// the key of the record.
func (q *Query) index() (bucket string, rng kv.Range, skip int, err error) {
	var prefix []byte
	selected := 0
	if q.Name != (ca.Identifier{}) {
		bucket, prefix = bucketCertsByName, nameKey(q.Name)
		selected++
	}
	if q.Provisioner != "" {
		bucket, prefix = bucketCertsByProv, provKey(q.Provisioner)
		selected++
	}
	if q.KeyHash != nil {
		if len(q.KeyHash) < keyHashLen {
			return "", rng, 0, ca.Errorf(ca.ErrMalformed, "hash of a public key has %d octets, want 32", len(q.KeyHash))
		}
		bucket, prefix = bucketCertsByKey, q.KeyHash[:keyHashLen]
		selected++
	}
	byExpiry := !q.ExpiresFrom.IsZero() || !q.ExpiresTo.IsZero()
	if byExpiry {
		selected++
	}
	switch {
	case selected > 1:
		return "", rng, 0, ca.Errorf(ca.ErrMalformed, "certificates are listed by one of name, provisioner, key and expiry, not by several")
	case selected == 0:
		bucket = bucketCertsByTime
	case byExpiry:
		if !q.ExpiresFrom.IsZero() {
			rng.From = appendTime(nil, q.ExpiresFrom)
		}
		if !q.ExpiresTo.IsZero() {
			rng.To = appendTime(nil, q.ExpiresTo)
		}
		return bucketCertsByExpiry, rng, timeLen, nil
	}
	return bucket, newestFirst(prefix), len(prefix) + timeLen, nil
}
