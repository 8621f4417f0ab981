package pebble

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// errStopped is what a guard answers after a failure.
var errStopped = errors.New("not written: an earlier write or sync failed")

// retryPause slows down Pebble's background work, which after an error tries
// again at once, and for ever.
const retryPause = time.Second

// A guard is a file system that watches for failures, and from the first on
// lets nothing change on disk.
//
// Errors of the log are not shown to Pebble, which would panic with its locks
// held. It goes on as if it had written, in memory, while the failure keeps
// store.Apply from acknowledging that.
type guard struct {
	vfs.FS
	f *failure
}

// isLog reports whether name is a write-ahead log.
func isLog(name string) bool { return strings.HasSuffix(name, ".log") }

// check is to be called before anything is changed.
func (g guard) check() error {
	if g.f.load() == nil {
		return nil
	}
	time.Sleep(retryPause)
	return errStopped
}

// open makes a file that was created a guarded one.
func (g guard) open(name string, file vfs.File, err error) (vfs.File, error) {
	switch {
	case err == nil:
		return &guardFile{File: file, f: g.f, log: isLog(name)}, nil
	case isLog(name):
		g.f.fail(err)
		return &lostFile{}, nil
	default:
		time.Sleep(retryPause)
		return nil, err
	}
}

// Create implements vfs.FS.
func (g guard) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := g.check(); err != nil {
		return g.open(name, nil, err)
	}
	file, err := g.FS.Create(name, c)
	return g.open(name, file, err)
}

// ReuseForWrite implements vfs.FS.
func (g guard) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := g.check(); err != nil {
		return g.open(to, nil, err)
	}
	file, err := g.FS.ReuseForWrite(from, to, c)
	return g.open(to, file, err)
}

// OpenDir implements vfs.FS.
func (g guard) OpenDir(name string) (vfs.File, error) {
	file, err := g.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &guardFile{File: file, f: g.f, log: true}, nil
}

// OpenReadWrite implements vfs.FS.
func (g guard) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	file, err := g.FS.OpenReadWrite(name, c, opts...)
	return g.open(name, file, err)
}

// Lock implements vfs.FS.
func (g guard) Lock(name string) (io.Closer, error) {
	lock, err := g.FS.Lock(name)
	if err != nil {
		return nil, fmt.Errorf("the directory is locked (%w): is another step-ca running on it? Stop that one, or choose another dataSource", err)
	}
	g.f.lock = lock
	return lock, nil
}

// Link implements vfs.FS.
func (g guard) Link(from, to string) error {
	return g.unlessFailed(func() error { return g.FS.Link(from, to) })
}

// Remove implements vfs.FS.
func (g guard) Remove(name string) error {
	return g.unlessFailed(func() error { return g.FS.Remove(name) })
}

// RemoveAll implements vfs.FS.
func (g guard) RemoveAll(name string) error {
	return g.unlessFailed(func() error { return g.FS.RemoveAll(name) })
}

// Rename implements vfs.FS.
func (g guard) Rename(from, to string) error {
	return g.unlessFailed(func() error { return g.FS.Rename(from, to) })
}

// MkdirAll implements vfs.FS.
func (g guard) MkdirAll(dir string, mode os.FileMode) error {
	return g.unlessFailed(func() error { return g.FS.MkdirAll(dir, mode) })
}

func (g guard) unlessFailed(change func() error) error {
	if err := g.check(); err != nil {
		return err
	}
	return change()
}

// Unwrap implements vfs.FS.
func (g guard) Unwrap() vfs.FS { return g.FS }
