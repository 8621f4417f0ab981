package store

import (
	"bytes"
	"encoding/base64"

	"stepca/ca"
	"stepca/kv"
)

// A Page says which part of a list is wanted.
type Page struct {
	// Limit is the most records to return; zero means DefaultLimit, and more than
	// MaxLimit is MaxLimit.
	Limit int

	// Cursor is where the previous page ended, as it was returned with it; ""
	// starts at the beginning.
	Cursor string
}

// Sizes of a page.
const (
	DefaultLimit = 20
	MaxLimit     = 1000
)

func (p Page) limit() int {
	switch {
	case p.Limit <= 0:
		return DefaultLimit
	case p.Limit > MaxLimit:
		return MaxLimit
	}
	return p.Limit
}

// rng narrows r to what follows the cursor.
func (p Page) rng(r kv.Range) (kv.Range, error) {
	if p.Cursor == "" {
		return r, nil
	}
	last, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	outside := bytes.Compare(last, r.From) < 0 || r.To != nil && bytes.Compare(last, r.To) >= 0
	if err != nil || len(last) == 0 || len(last) >= kv.MaxKeyLen || outside {
		return r, ca.Errorf(ca.ErrMalformed, "invalid cursor")
	}
	if r.Reverse {
		r.To = last
	} else {
		r.From = append(last, 0)
	}
	return r, nil
}

// list collects a page of records: find turns an entry of the range into a
// record, or into nil if there is none to show.
func list[T any](r kv.Reader, bucket string, rng kv.Range, p Page, find func(kv.Entry) (*T, error)) ([]*T, string, error) {
	rng, err := p.rng(rng)
	if err != nil {
		return nil, "", err
	}
	limit := p.limit()
	var out []*T
	var last []byte
	for e, err := range r.Scan(bucket, rng) {
		if err != nil {
			return nil, "", err
		}
		if len(out) == limit {
			return out, base64.RawURLEncoding.EncodeToString(last), nil
		}
		rec, err := find(e)
		if err != nil {
			return nil, "", err
		}
		if rec != nil {
			out = append(out, rec)
			last = bytes.Clone(e.Key)
		}
	}
	return out, "", nil
}

// newestFirst is the range of all keys with a prefix, backwards.
func newestFirst(prefix []byte) kv.Range {
	r := kv.Prefix(prefix)
	r.Reverse = true
	return r
}
