package pebble

import (
	"bytes"
	"errors"
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

	// spare is a finder that nobody uses at the moment, or nil. It keeps the files
	// it reads from being deleted, until the next commit at the latest.
	spare atomic.Pointer[finder]
}

// A finder looks up one key after the other: to make an iterator takes longer than
// to use it.
type finder struct {
	*pebble.Iterator
	flat []byte // the key, in memory that is used again
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
	var err error
	if f := s.spare.Swap(nil); f != nil {
		err = f.Close()
	}
	return errors.Join(err, s.Snapshot.Close())
}

// finder returns the spare finder or a new one, for the caller to release. It is
// an iterator, since Pebble's own Get passes over the Bloom filters of the bottom
// level, where they save most: an Insert asks for keys that are not there.
func (s *snapshot) finder() (*finder, error) {
	if f := s.spare.Swap(nil); f != nil {
		return f, nil
	}
	it, err := s.NewIter(&pebble.IterOptions{UseL6Filters: true})
	if err != nil {
		return nil, err
	}
	return &finder{Iterator: it}, nil
}

// release keeps f as the spare one, unless there is one or f met an error.
func (s *snapshot) release(f *finder) error {
	if f.Error() == nil && s.spare.CompareAndSwap(nil, f) {
		return nil
	}
	return f.Close()
}

// Get implements kv.Reader.
func (s *snapshot) Get(bucket string, key []byte) ([]byte, error) {
	f, err := s.finder()
	if err != nil {
		return nil, err
	}
	v, err := f.get(bucket, key)
	if released := s.release(f); err == nil {
		err = released // or it repeats err
	}
	return v, err
}

func (f *finder) get(bucket string, key []byte) ([]byte, error) {
	f.flat = txn.AppendFlat(f.flat[:0], bucket, key)
	if !f.SeekPrefixGE(f.flat) || !bytes.Equal(f.Key(), f.flat) {
		if err := f.Error(); err != nil {
			return nil, err
		}
		return nil, kv.ErrNotFound
	}
	v, err := f.ValueAndErr()
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
