//go:build unix

package badger_test

import (
	"os"
	"syscall"
	"testing"
	"time"
)

// A lock that is about to go does not keep a store from opening.
func TestLockThatGoes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	locked, err := os.Open(dir + "/db")
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(locked.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, func() { locked.Close() })
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
}
