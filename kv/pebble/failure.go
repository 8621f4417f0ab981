package pebble

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// errStopped is what a file system guarded by a failure answers after it.
var errStopped = errors.New("not written: an earlier write or sync failed")

// retryPause slows down Pebble's background work, which tries again at once.
const retryPause = time.Second

// A failure remembers the first fatal error of a database: a write or sync of
// its log or manifest that failed. Pebble reports those to Logger.Fatalf, which
// it expects to end the process. We go on reading, and let nothing more reach
// the disk, since writing on after a failed sync can lose what was durable.
//
// A failure is Pebble's logger: it passes on background errors and nothing else.
type failure struct {
	log     *slog.Logger
	first   atomic.Pointer[error]
	stopped chan struct{} // closed when the database is being closed
	once    sync.Once
}

func newFailure(log *slog.Logger) *failure {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &failure{log: log, stopped: make(chan struct{})}
}

// load returns the failure, or nil.
func (f *failure) load() error {
	if err := f.first.Load(); err != nil {
		return *err
	}
	return nil
}

// stop ends the pauses.
func (f *failure) stop() { f.once.Do(func() { close(f.stopped) }) }

// Infof implements pebble.Logger. Pebble tells of each flush and compaction.
func (f *failure) Infof(string, ...any) {}

// Errorf implements pebble.Logger.
func (f *failure) Errorf(format string, args ...any) {
	f.log.Error("database", "err", fmt.Sprintf(format, args...))
}

// Fatalf implements pebble.Logger, and returns, which Pebble's callers bear.
func (f *failure) Fatalf(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	if f.first.CompareAndSwap(nil, &err) {
		f.log.Error("database stops writing", "err", err)
	}
}

// listener passes on errors of background work. Without its pause, Pebble would
// repeat a flush that failed for lack of space as fast as it can.
func (f *failure) listener() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) { f.log.Warn("database background work", "err", err) },
		DataCorruption:  func(i pebble.DataCorruptionInfo) { f.Fatalf("%s", i) },
	}
}

// guard returns fs, which from the failure on refuses all that would change a
// file.
func (f *failure) guard(fs vfs.FS) vfs.FS {
	return errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if f.load() == nil || op.Kind.ReadOrWrite() != errorfs.OpIsWrite || op.Kind == errorfs.OpFileClose {
			return nil
		}
		select {
		case <-time.After(retryPause):
		case <-f.stopped:
		}
		return errStopped
	}))
}

// privateFS creates files with mode 0600.
type privateFS struct{ vfs.FS }

// Create implements vfs.FS.
func (fs privateFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(name, c)
	if err != nil {
		return nil, err
	}
	if err := private(name); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Lock implements vfs.FS.
func (fs privateFS) Lock(name string) (io.Closer, error) {
	c, err := fs.FS.Lock(name)
	if err != nil {
		return nil, err
	}
	if err := private(name); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func private(name string) error { return os.Chmod(name, 0o600) }
