package badger

import (
	"bytes"
	"errors"
	"iter"

	"github.com/dgraph-io/badger/v4"

	"stepca/kv"
	"stepca/kv/txn"
)

// A snapshot is the data at one timestamp.
type snapshot struct {
	s  *store
	tx *badger.Txn
	at uint64
}

// Close implements groupcommit.Snapshot.
func (s *snapshot) Close() error {
	s.tx.Discard()
	s.s.release(s.at)
	return nil
}

// Get implements kv.Reader.
func (s *snapshot) Get(bucket string, key []byte) ([]byte, error) {
	item, err := s.tx.Get(txn.AppendFlat(nil, bucket, key))
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, kv.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return item.ValueCopy([]byte{})
}

// Scan implements kv.Reader.
func (s *snapshot) Scan(bucket string, r kv.Range) iter.Seq2[kv.Entry, error] {
	return func(yield func(kv.Entry, error) bool) {
		lower, upper := txn.FlatRange(bucket, r)
		if bytes.Compare(lower, upper) >= 0 {
			return
		}
		o := badger.DefaultIteratorOptions
		o.Reverse = r.Reverse
		o.PrefetchSize = 32
		it := s.tx.NewIterator(o)
		defer it.Close()
		start := lower
		if r.Reverse {
			start = upper // Seek finds the last key up to it
		}
		for it.Seek(start); it.Valid(); it.Next() {
			k := it.Item().KeyCopy(nil)
			if r.Reverse && bytes.Equal(k, upper) {
				continue // upper is excluded
			}
			if bytes.Compare(k, lower) < 0 || bytes.Compare(k, upper) >= 0 {
				return
			}
			v, err := it.Item().ValueCopy([]byte{})
			if err != nil {
				yield(kv.Entry{}, err)
				return
			}
			if !yield(kv.Entry{Key: k[len(bucket)+1:], Value: v}, nil) {
				return
			}
		}
	}
}
