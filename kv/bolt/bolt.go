// Package bolt is the engine on bbolt, a B+tree in one file: for small CAs, and
// for those who want their database to be a single file.
//
// A bucket is a bbolt bucket. Transactions, batches and read-only mode after a
// failure are package groupcommit's. A commit that outgrows the memory map waits
// until the Views under way have ended.
package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"stepca/kv"
	"stepca/kv/groupcommit"
	"stepca/kv/txn"
)

// Format is the version of what this engine writes.
const Format = 1

// lockTimeout is how long Open waits for another process to let go of the file.
const lockTimeout = 5 * time.Second

// Options configure Open.
type Options struct {
	Path string // a file; created with mode 0600, its directory with 0700, if missing

	LockTimeout time.Duration // how long to wait for the lock of the file; zero means 5 s
}

// An Engine is a kv.Engine on a bbolt file.
type Engine struct{ *groupcommit.Engine }

var _ kv.Engine = (*Engine)(nil)

// Open opens the store in opts.Path, or creates it. kv.ErrForeign if the file is
// anything else.
func Open(_ context.Context, opts Options) (*Engine, error) {
	if opts.Path == "" {
		return nil, errors.New("no file given for the store: set dataSource")
	}
	if opts.LockTimeout == 0 {
		opts.LockTimeout = lockTimeout
	}
	if err := inspect(opts); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(opts.Path), 0o700); err != nil {
		return nil, fmt.Errorf("creating the directory of the store: %w", err)
	}
	db, err := bbolt.Open(opts.Path, 0o600, settings(opts))
	if err != nil {
		return nil, openError(opts.Path, err)
	}
	if err := mark(db); err != nil {
		return nil, errors.Join(fmt.Errorf("marking the store in %s: %w", opts.Path, err), db.Close())
	}
	return &Engine{groupcommit.New(&store{db})}, nil
}

func settings(opts Options) *bbolt.Options {
	return &bbolt.Options{
		Timeout:         opts.LockTimeout,
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: initialMmapSize,
	}
}

func openError(path string, err error) error {
	if errors.Is(err, berrors.ErrTimeout) {
		return fmt.Errorf("opening the store in %s: the file is locked: is another step-ca running on it? Stop that one, or choose another dataSource", path)
	}
	return fmt.Errorf("opening the store in %s: %w", path, err)
}

// A store is a groupcommit.Store.
type store struct{ db *bbolt.DB }

// Snapshot implements groupcommit.Store.
func (s *store) Snapshot() (groupcommit.Snapshot, error) {
	tx, err := s.db.Begin(false)
	if err != nil {
		return nil, err
	}
	return &snapshot{tx}, nil
}

// Apply implements groupcommit.Store.
func (s *store) Apply(ws *txn.Writes) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		var bucket *bbolt.Bucket
		name := "" // of bucket; the writes are sorted
		for w := range ws.All() {
			var err error
			if w.Bucket != name {
				name = w.Bucket
				if bucket, err = tx.CreateBucketIfNotExists([]byte(name)); err != nil {
					return err
				}
			}
			if w.Delete {
				err = bucket.Delete(w.Key)
			} else {
				err = bucket.Put(w.Key, w.Value)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Close implements groupcommit.Store.
func (s *store) Close() error { return s.db.Close() }
