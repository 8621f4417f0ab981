package pebble

import (
	"bytes"
	"iter"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"stepca/kv"
	"stepca/kv/txn"
)

// A snapshot is shared by all who read between two commits. The store is one of
// its users until the next commit.
type snapshot struct {
	*pebble.Snapshot
	users atomic.Int64 // who must Close it; from 0 it never rises again
}

func newSnapshot(db *pebble.DB) *snapshot {
	s := &snapshot{Snapshot: db.NewSnapshot()}
	s.users.Store(1)
	return s
}

// Close implements groupcommit.Snapshot.
func (s *snapshot) Close() error {
	if s.users.Add(-1) > 0 {
		return nil
	}
	return s.Snapshot.Close()
}

// Get implements kv.Reader. It seeks with an iterator, since Pebble's own Get
// passes over the Bloom filters of the bottom level, where they save most: an
// Insert asks for keys that are not there.
func (s *snapshot) Get(bucket string, key []byte) ([]byte, error) {
	flat := txn.AppendFlat(nil, bucket, key)
	it, err := s.NewIter(&pebble.IterOptions{UseL6Filters: true})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	if !it.SeekPrefixGE(flat) || !bytes.Equal(it.Key(), flat) {
		if err := it.Error(); err != nil {
			return nil, err
		}
		return nil, kv.ErrNotFound
	}
	v, err := it.ValueAndErr()
	if err != nil {
		return nil, err
	}
	return append([]byte{}, v...), nil
}

// Scan implements kv.Reader.
func (s *snapshot) Scan(bucket string, r kv.Range) iter.Seq2[kv.Entry, error] {
	return func(yield func(kv.Entry, error) bool) {
		lower, upper := txn.FlatRange(bucket, r)
		if bytes.Compare(lower, upper) >= 0 {
			return
		}
		it, err := s.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
		if err != nil {
			yield(kv.Entry{}, err)
			return
		}
		defer it.Close()
		begin, next := it.First, it.Next
		if r.Reverse {
			begin, next = it.Last, it.Prev
		}
		for ok := begin(); ok; ok = next() {
			v, err := it.ValueAndErr()
			if err != nil {
				yield(kv.Entry{}, err)
				return
			}
			e := kv.Entry{Key: bytes.Clone(it.Key()[len(bucket)+1:]), Value: append([]byte{}, v...)}
			if !yield(e, nil) {
				return
			}
		}
		if err := it.Error(); err != nil {
			yield(kv.Entry{}, err)
		}
	}
}
