package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"stepca/kv"
)

// A reader reads within a SQL transaction.
type reader struct {
	ctx   context.Context
	d     dialect
	begin func() (*sql.Tx, error)

	// seen, if not nil, is told each key that was read and the version found, 0
	// if it is absent; failed is told each error.
	seen   func(k key, version int64)
	failed error
}

// fail keeps the first error, which decides whether the transaction is tried again.
func (r *reader) fail(err error) error {
	err = fmt.Errorf("reading the database: %w", err)
	if r.failed == nil {
		r.failed = err
	}
	return err
}

// Get implements kv.Reader.
func (r *reader) Get(bucket string, id []byte) ([]byte, error) {
	tx, err := r.begin()
	if err != nil {
		return nil, r.fail(err)
	}
	k := key{bucket, append([]byte{}, id...)}
	s := r.d.get(k)
	var value []byte
	var version int64
	err = tx.QueryRowContext(r.ctx, s.query, s.args...).Scan(&value, &version)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		version, err = 0, kv.ErrNotFound
	case err != nil:
		return nil, r.fail(err)
	}
	if r.seen != nil {
		r.seen(k, version)
	}
	return value, err
}

// Rows fetched at a time by a scan: few at first, since many scans end early.
const (
	firstPage = 32
	laterPage = 256
)

// Scan implements kv.Reader. It fetches page by page, so that other statements
// can run in between on the same connection.
func (r *reader) Scan(bucket string, rng kv.Range) iter.Seq2[kv.Entry, error] {
	return func(yield func(kv.Entry, error) bool) {
		p := page{from: rng.From, to: rng.To, reverse: rng.Reverse, limit: firstPage}
		if rng.Limit > 0 {
			p.limit = min(rng.Limit, laterPage)
		}
		for {
			entries, err := r.fetch(bucket, p)
			if err != nil {
				yield(kv.Entry{}, r.fail(err))
				return
			}
			for _, e := range entries {
				if r.seen != nil {
					r.seen(key{bucket, e.Key}, e.version)
				}
				if !yield(e.Entry, nil) {
					return
				}
			}
			if len(entries) < p.limit {
				return
			}
			last := entries[len(entries)-1].Key
			if rng.Reverse {
				p.to = last
			} else {
				p.from, p.after = last, true
			}
			p.limit = laterPage
		}
	}
}

type entry struct {
	kv.Entry
	version int64
}

func (r *reader) fetch(bucket string, p page) (entries []entry, err error) {
	tx, err := r.begin()
	if err != nil {
		return nil, err
	}
	s := r.d.page(bucket, p)
	rows, err := tx.QueryContext(r.ctx, s.query, s.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e entry
		if err := rows.Scan(&e.Key, &e.Value, &e.version); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, rows.Err()
}
