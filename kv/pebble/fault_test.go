package pebble_test

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

var errInjected = errors.New("injected fault")

// A fault is an errorfs.Injector: some operations fail, after a number of them
// succeeded.
type fault struct {
	kinds  []errorfs.OpKind
	suffix string // of the file's name

	on   atomic.Bool
	left atomic.Int64
}

func (f *fault) start(after int) {
	f.left.Store(int64(after))
	f.on.Store(true)
}

// MaybeError implements errorfs.Injector.
func (f *fault) MaybeError(op errorfs.Op) error {
	if f.on.Load() && slices.Contains(f.kinds, op.Kind) && strings.HasSuffix(op.Path, f.suffix) && f.left.Add(-1) < 0 {
		return errInjected
	}
	return nil
}

func (f *fault) String() string { return "fault" }
