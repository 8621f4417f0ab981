package bolt

import (
	"bytes"
	"iter"

	"go.etcd.io/bbolt"

	"stepca/kv"
)

// A snapshot is a read transaction. Its slices lie in the memory map.
type snapshot struct{ tx *bbolt.Tx }

// Close implements groupcommit.Snapshot.
func (s *snapshot) Close() error { return s.tx.Rollback() }

// Get implements kv.Reader.
func (s *snapshot) Get(bucket string, key []byte) ([]byte, error) {
	b := s.tx.Bucket([]byte(bucket))
	if b == nil {
		return nil, kv.ErrNotFound
	}
	v := b.Get(key)
	if v == nil {
		return nil, kv.ErrNotFound
	}
	return v, nil
}

// Scan implements kv.Reader.
func (s *snapshot) Scan(bucket string, r kv.Range) iter.Seq2[kv.Entry, error] {
	return func(yield func(kv.Entry, error) bool) {
		b := s.tx.Bucket([]byte(bucket))
		if b == nil {
			return
		}
		c := b.Cursor()
		if r.Reverse {
			for k, v := last(c, r.To); k != nil && bytes.Compare(k, r.From) >= 0; k, v = c.Prev() {
				if !yield(kv.Entry{Key: k, Value: v}, nil) {
					return
				}
			}
			return
		}
		for k, v := c.Seek(r.From); k != nil && (r.To == nil || bytes.Compare(k, r.To) < 0); k, v = c.Next() {
			if !yield(kv.Entry{Key: k, Value: v}, nil) {
				return
			}
		}
	}
}

// last moves c to the last key below to, or the very last if to is nil.
func last(c *bbolt.Cursor, to []byte) (k, v []byte) {
	if to == nil {
		return c.Last()
	}
	if k, _ := c.Seek(to); k == nil {
		return c.Last() // all keys are below to
	}
	return c.Prev()
}
