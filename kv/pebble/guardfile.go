package pebble

import (
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A guardFile is a file of a guard. The log of the database, and directories,
// hide their errors.
type guardFile struct {
	vfs.File
	f   *failure
	log bool
}

// change runs a change of the file unless there was a failure.
func (g *guardFile) change(f func() error) error {
	err := errStopped
	if g.f.load() == nil {
		err = f()
	}
	switch {
	case err == nil:
		return nil
	case g.log:
		g.f.fail(err)
		return nil
	default:
		time.Sleep(retryPause)
		return err
	}
}

// Write implements vfs.File.
func (g *guardFile) Write(p []byte) (n int, err error) {
	err = g.change(func() error { n, err = g.File.Write(p); return err })
	if err == nil {
		n = len(p)
	}
	return n, err
}

// WriteAt implements vfs.File.
func (g *guardFile) WriteAt(p []byte, offset int64) (n int, err error) {
	err = g.change(func() error { n, err = g.File.WriteAt(p, offset); return err })
	if err == nil {
		n = len(p)
	}
	return n, err
}

// Sync implements vfs.File.
func (g *guardFile) Sync() error { return g.change(g.File.Sync) }

// SyncData implements vfs.File.
func (g *guardFile) SyncData() error { return g.change(g.File.SyncData) }

// SyncTo implements vfs.File.
func (g *guardFile) SyncTo(length int64) (full bool, err error) {
	err = g.change(func() error { full, err = g.File.SyncTo(length); return err })
	return full, err
}

// Preallocate implements vfs.File. Its errors mean little: a write that finds no
// space fails by itself.
func (g *guardFile) Preallocate(offset, length int64) error {
	if g.f.load() != nil {
		return nil
	}
	return g.File.Preallocate(offset, length)
}

// Close implements vfs.File.
func (g *guardFile) Close() error {
	err := g.File.Close()
	if err != nil && g.log {
		g.f.fail(err)
		return nil
	}
	return err
}

// A lostFile stands for a log that could not be created. All it is told is lost,
// which is known: the failure is recorded.
type lostFile struct{ vfs.File }

// Write implements vfs.File.
func (*lostFile) Write(p []byte) (int, error) { return len(p), nil }

// Sync implements vfs.File.
func (*lostFile) Sync() error { return nil }

// SyncData implements vfs.File.
func (*lostFile) SyncData() error { return nil }

// SyncTo implements vfs.File.
func (*lostFile) SyncTo(int64) (bool, error) { return true, nil }

// Preallocate implements vfs.File.
func (*lostFile) Preallocate(int64, int64) error { return nil }

// Prefetch implements vfs.File.
func (*lostFile) Prefetch(int64, int64) error { return nil }

// Stat implements vfs.File.
func (*lostFile) Stat() (vfs.FileInfo, error) { return nil, errStopped }

// Fd implements vfs.File.
func (*lostFile) Fd() uintptr { return vfs.InvalidFd }

// Close implements vfs.File.
func (*lostFile) Close() error { return nil }
