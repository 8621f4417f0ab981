// Package pebble is the engine on CockroachDB's Pebble, an LSM tree: the default
// of a new CA. It writes fast, stays small in memory however much is stored, and
// is ready in milliseconds.
//
// All buckets share one key space (txn.AppendFlat). Transactions, batches and
// read-only mode after a failure are package groupcommit's.
package pebble

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"stepca/kv"
	"stepca/kv/groupcommit"
	"stepca/kv/storedir"
	"stepca/kv/txn"
)

// Format is the version of what this engine writes (storedir.Marker).
const Format = 1

// Options configure Open.
type Options struct {
	Dir string       // created with mode 0700 if missing
	Log *slog.Logger // background failures of the database; nil discards

	// FS is the file system below the database, for tests of failing disks.
	// Nil is the operating system's, with files of mode 0600. The marker of the
	// directory does not go through it.
	FS vfs.FS
}

// An Engine is a kv.Engine on a Pebble database.
type Engine struct{ *groupcommit.Engine }

var _ kv.Engine = (*Engine)(nil)

// Open opens the store in opts.Dir, or creates it. kv.ErrForeign if the
// directory holds anything else.
func Open(_ context.Context, opts Options) (*Engine, error) {
	if err := storedir.Claim(opts.Dir, storedir.Marker{Engine: "pebble", Format: Format}); err != nil {
		return nil, err
	}
	useOneArena()
	s := &store{failure: newFailure(opts.Log)}
	fs := opts.FS
	if fs == nil {
		fs = privateFS{vfs.Default}
	}
	fs = guard{fs, s.failure}
	var err error
	if s.db, err = pebble.Open(opts.Dir, settings(fs, s.failure)); err != nil {
		return nil, fmt.Errorf("opening the store in %s: %w", opts.Dir, err)
	}
	if err := s.failure.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the store in %s: %w", opts.Dir, err), s.Close())
	}
	s.current = newSnapshot(s.db)
	return &Engine{groupcommit.New(s)}, nil
}

// A store is a groupcommit.Store.
type store struct {
	db      *pebble.DB
	failure *failure

	mu      sync.Mutex // guards current
	current *snapshot  // what is durable; Pebble itself shows writes before their sync
}

// Snapshot implements groupcommit.Store.
func (s *store) Snapshot() (groupcommit.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current.users.Add(1)
	return s.current, nil
}

// Apply implements groupcommit.Store.
func (s *store) Apply(ws *txn.Writes) error {
	b := s.db.NewBatchWithSize(ws.Size() + 16*ws.Len())
	for flat, w := range ws.Flat() {
		var err error
		if w.Delete {
			err = b.Delete([]byte(flat), nil)
		} else {
			err = b.Set([]byte(flat), w.Value, nil)
		}
		if err != nil {
			return err
		}
	}
	// After a failure Pebble may still be at work on the batch, so it is not
	// closed, that is, used again.
	if err := s.failure.watch(func() error { return b.Commit(pebble.Sync) }); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.current
	s.current = newSnapshot(s.db)
	return errors.Join(b.Close(), last.Close())
}

// Close implements groupcommit.Store. After a failure Pebble is left alone,
// since it would wait for work that cannot end; it changes nothing any more, and
// loses its lock on the directory.
func (s *store) Close() error {
	if err := s.failure.load(); err != nil {
		return errors.Join(err, s.failure.lock.Close())
	}
	flushed := s.db.Flush() // or the next start would have to
	return errors.Join(s.current.Close(), flushed, s.db.Close())
}
