// Package badger is the engine on Dgraph's Badger v4, an LSM tree, for those who
// run the reference with Badger and want to keep its name in their config. The
// databases of the reference itself (Badger 1.x and 2.x) are refused.
//
// All buckets share one key space (txn.AppendFlat). Badger runs in its managed
// mode: a commit is one timestamp, and readers get the last durable one.
// Transactions, batches and read-only mode after a failure are package
// groupcommit's.
//
// Badger writes through memory maps, so a disk that is full or broken does not
// fail a write but ends the process (SIGBUS). What was acknowledged survives.
package badger

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/ristretto/v2/z"

	"stepca/kv"
	"stepca/kv/groupcommit"
	"stepca/kv/storedir"
	"stepca/kv/txn"
)

// Format is the version of what this engine writes (storedir.Marker).
const Format = 1

// gcInterval is how often the value log is searched for space to free. Few
// values are large enough to be kept in it.
const gcInterval = 10 * time.Minute

// Options configure Open.
type Options struct {
	Dir      string // created with mode 0700 if missing
	ValueDir string // directory of the value log; empty means Dir

	// FileLoadingMode is how the reference's Badger reads files: "", "mmap",
	// "memorymap" or "fileio", in any case. Others are an error. Badger v4 maps
	// its files whatever is said here.
	FileLoadingMode string

	Log *slog.Logger // warnings and errors of the database; nil discards
}

// An Engine is a kv.Engine on a Badger database.
type Engine struct{ *groupcommit.Engine }

var _ kv.Engine = (*Engine)(nil)

// Open opens the store in opts.Dir, or creates it. kv.ErrForeign if a directory
// holds anything else.
func Open(_ context.Context, opts Options) (*Engine, error) {
	switch strings.ToLower(opts.FileLoadingMode) {
	case "", "mmap", "memorymap", "fileio":
	default:
		return nil, fmt.Errorf("badgerFileLoadingMode %q is not known: leave it empty, or use mmap, memorymap or fileio", opts.FileLoadingMode)
	}
	if opts.ValueDir == "" {
		opts.ValueDir = opts.Dir
	}
	for _, dir := range []string{opts.Dir, opts.ValueDir} {
		if err := storedir.Claim(dir, storedir.Marker{Engine: "badger", Format: Format}); err != nil {
			return nil, err
		}
	}
	db, err := openDatabase(settings(opts))
	if err != nil {
		if isLocked(err) {
			return nil, fmt.Errorf("opening the store in %s: the directory is locked: is another step-ca running on it? Stop that one, or choose another dataSource: %w", opts.Dir, err)
		}
		return nil, fmt.Errorf("opening the store in %s: %w", opts.Dir, err)
	}
	s := &store{db: db, durable: db.MaxVersion(), readers: map[uint64]int{}, stop: make(chan struct{})}
	s.gc.Go(s.collect)
	return &Engine{groupcommit.New(s)}, nil
}

// openDatabase opens the database, also after a crash in the moment in which
// Badger made a file: an empty log is an error to it, but by then it has made it
// a good one, and finds nothing wrong the next time. At most one value log and
// one memtable are made at a time; more attempts would hide something else.
func openDatabase(o badger.Options) (*badger.DB, error) {
	const attempts = 3
	until := time.Now().Add(lockTimeout)
	for n := 1; ; {
		db, err := badger.OpenManaged(o)
		switch {
		case err == nil:
			return db, nil
		case isLocked(err) && time.Now().Before(until):
			time.Sleep(lockTimeout / 100)
		case n < attempts && strings.Contains(err.Error(), z.NewFile.Error()): // it wraps nothing
			n++
		default:
			return nil, err
		}
	}
}

// lockTimeout is how long to wait for the lock of a directory. A lock outlives its
// holder where a child of it has been forked and is not another program yet.
const lockTimeout = 3 * time.Second

func isLocked(err error) bool { return strings.Contains(err.Error(), "Cannot acquire directory lock") }

// settings are for little memory, as far as Badger goes: its memtable must hold
// the largest batch several times over.
func settings(opts Options) badger.Options {
	log := opts.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return badger.DefaultOptions(opts.Dir).
		WithValueDir(opts.ValueDir).
		WithSyncWrites(true).
		WithDetectConflicts(false). // transactions run one after another
		WithNumVersionsToKeep(1).
		WithMemTableSize(64 << 20).
		WithNumMemtables(2).
		WithBlockCacheSize(16 << 20).
		WithIndexCacheSize(16 << 20).
		WithCompression(options.ZSTD).
		WithNumCompactors(2).
		WithValueLogFileSize(64 << 20).
		WithMetricsEnabled(false).
		WithLogger(logger{log})
}

// A store is a groupcommit.Store.
type store struct {
	db *badger.DB

	mu      sync.Mutex     // guards the two below
	durable uint64         // timestamp of the last commit
	readers map[uint64]int // snapshots in use, by timestamp

	stop chan struct{} // closed to end gc
	gc   sync.WaitGroup
}

// Snapshot implements groupcommit.Store.
func (s *store) Snapshot() (groupcommit.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readers[s.durable]++
	return &snapshot{s: s, tx: s.db.NewTransactionAt(s.durable, false), at: s.durable}, nil
}

// release forgets a snapshot.
func (s *store) release(at uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readers[at]--; s.readers[at] == 0 {
		delete(s.readers, at)
	}
}

// Apply implements groupcommit.Store.
func (s *store) Apply(ws *txn.Writes) error {
	s.mu.Lock()
	last := s.durable
	s.mu.Unlock()
	tx := s.db.NewTransactionAt(last, true)
	defer tx.Discard()
	for flat, w := range ws.Flat() {
		var err error
		if w.Delete {
			err = tx.Delete([]byte(flat))
		} else {
			err = tx.Set([]byte(flat), w.Value)
		}
		if err != nil {
			return err
		}
	}
	if err := tx.CommitAt(last+1, nil); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.durable = last + 1
	oldest := s.durable
	for at := range s.readers {
		oldest = min(oldest, at)
	}
	s.db.SetDiscardTs(oldest)
	return nil
}

// collect frees space in the value log, now and then, until stop.
func (s *store) collect() {
	tick := time.NewTicker(gcInterval)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
			for s.db.RunValueLogGC(0.5) == nil { // until nothing more is worth it
			}
		}
	}
}

// Close implements groupcommit.Store.
func (s *store) Close() error {
	close(s.stop)
	s.gc.Wait()
	return s.db.Close()
}

// logger passes on what an operator should know.
type logger struct{ *slog.Logger }

func (l logger) Errorf(format string, args ...any) {
	l.Error("database", "err", strings.TrimSpace(fmt.Sprintf(format, args...)))
}

func (l logger) Warningf(format string, args ...any) {
	l.Warn("database", "msg", strings.TrimSpace(fmt.Sprintf(format, args...)))
}

func (logger) Infof(string, ...any)  {}
func (logger) Debugf(string, ...any) {}
