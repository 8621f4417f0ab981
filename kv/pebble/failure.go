package pebble

import (
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// A failure remembers the first fatal error of a database: a write or sync of
// its log or manifest that failed. After one Pebble expects the process to end,
// through Logger.Fatalf or a panic. We go on reading instead, and let nothing
// more reach the disk (see guard), since writing on after a failed sync can lose
// what was durable.
//
// A failure is also Pebble's logger.
type failure struct {
	log     *slog.Logger
	first   atomic.Pointer[error]
	failed  chan struct{}              // closed with the first error
	trouble atomic.Pointer[background] // the last error of work in the background
	lock    io.Closer                  // that of the directory; set while opening
}

// background is a flush or compaction that failed, and that Pebble tries again.
type background struct {
	err  error
	when time.Time
}

func newFailure(log *slog.Logger) *failure {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &failure{log: log, failed: make(chan struct{})}
}

// load returns the failure, or nil.
func (f *failure) load() error {
	if err := f.first.Load(); err != nil {
		return *err
	}
	return nil
}

// fail records err if it is the first.
func (f *failure) fail(err error) {
	if f.first.CompareAndSwap(nil, &err) {
		f.log.Error("database stops writing", "err", err)
		close(f.failed)
	}
}

// Infof implements pebble.Logger. Pebble tells of each flush and compaction.
func (f *failure) Infof(string, ...any) {}

// Errorf implements pebble.Logger.
func (f *failure) Errorf(format string, args ...any) {
	f.log.Error("database", "err", fmt.Sprintf(format, args...))
}

// Fatalf implements pebble.Logger, and returns, which Pebble's callers bear.
func (f *failure) Fatalf(format string, args ...any) { f.fail(fmt.Errorf(format, args...)) }

// listener takes note of errors of background work.
func (f *failure) listener() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			f.trouble.Store(&background{err, time.Now()})
			f.log.Warn("database background work", "err", err)
		},
		DataCorruption: func(i pebble.DataCorruptionInfo) { f.Fatalf("%s", i) },
	}
}

// stallTimeout is how long a commit may wait for background work that fails: it
// gets no place in memory before that work has made some.
const stallTimeout = 3 * time.Second

// watch returns the error of commit, or that of a failure, for which a commit
// may wait for ever.
func (f *failure) watch(commit func() error) error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				done <- fmt.Errorf("panic: %v", r)
			}
		}()
		done <- commit()
	}()
	tick := time.NewTicker(stallTimeout)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			if err == nil {
				err = f.load() // Pebble tells its logger of a failed commit, and returns nil
			}
			return err
		case <-f.failed:
			return f.load()
		case <-tick.C:
			if t := f.trouble.Load(); t != nil && time.Since(t.when) < stallTimeout {
				f.fail(fmt.Errorf("no progress: %w", t.err))
			}
		}
	}
}
