package pebble_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"stepca/kv"
	"stepca/kv/kvtest"
	"stepca/kv/pebble"
)

func open(t testing.TB, dir string) kv.Engine { return openOn(t, dir, nil) }

func openOn(t testing.TB, dir string, fs vfs.FS) kv.Engine {
	e, err := pebble.Open(t.Context(), pebble.Options{Dir: filepath.Join(dir, "db"), FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestConformance(t *testing.T) { kvtest.Run(t, open, kvtest.Options{}) }

func TestCrash(t *testing.T) { kvtest.Crash(t, open) }

func TestFullDisk(t *testing.T) { t.Parallel(); kvtest.FullDisk(t, open) }

func BenchmarkUpdate(b *testing.B) { kvtest.Benchmark(b, open) }

// TestLookUpsInOneSnapshot looks up keys one after the other, in all orders and from
// several goroutines: those in memory, on disk, written twice, deleted, and never
// written.
func TestLookUpsInOneSnapshot(t *testing.T) {
	t.Parallel()
	const keys = 200
	dir := t.TempDir()
	want := make(map[string]string)
	write := func(e kv.Engine, what string, every int) {
		t.Helper()
		if err := e.Update(t.Context(), func(tx kv.Tx) error {
			for i := 0; i < keys; i += every {
				key := fmt.Sprint(i)
				var err error
				if i%7 == 3 {
					delete(want, key)
					err = tx.Delete("b", []byte(key))
				} else {
					want[key] = what
					err = tx.Put("b", []byte(key), []byte(what))
				}
				if err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	e := open(t, dir)
	write(e, "on disk", 2)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = open(t, dir)
	write(e, "in memory", 3)
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			err := e.View(t.Context(), func(r kv.Reader) error {
				for _, i := range rand.Perm(keys) {
					key := fmt.Sprint(i)
					got, err := r.Get("b", []byte(key))
					if value, ok := want[key]; ok && (err != nil || string(got) != value) || !ok && err != kv.ErrNotFound {
						return fmt.Errorf("Get(%s) = %q, %v, want %q", key, got, err, value)
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	readers.Wait()
	if err := e.Close(); err != nil {
		t.Errorf("Close, which knows of iterators left open: %v", err)
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := open(t, dir)
	defer e.Close()
	if err := e.Update(t.Context(), func(tx kv.Tx) error { return tx.Put("b", []byte("k"), nil) }); err != nil {
		t.Fatal(err)
	}
	kvtest.PrivateFiles(t, filepath.Join(dir, "db"))
}

func TestLocked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := open(t, dir)
	defer e.Close()
	_, err := pebble.Open(t.Context(), pebble.Options{Dir: filepath.Join(dir, "db")})
	if err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "another step-ca") {
		t.Errorf("Open of a locked directory = %v, want an error with the path and what to do", err)
	}
}

func TestForeign(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "MANIFEST"), []byte("Bdgr\x00\x00\x00\x04"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := pebble.Open(t.Context(), pebble.Options{Dir: dir})
	if !errors.Is(err, kv.ErrForeign) || !strings.Contains(err.Error(), "Badger 1.x") {
		t.Errorf("Open of a Badger directory = %v, want ErrForeign", err)
	}
}

// TestFailingDisk fails the n-th operation of a kind, on the log or on any file,
// for several n: whatever was acknowledged before is there when the disk works
// again.
func TestFailingDisk(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		kinds []errorfs.OpKind
		file  string // suffix; "" is any
		after int    // operations that succeed, after the store was opened
	}{
		{"first write of the log", []errorfs.OpKind{errorfs.OpFileWrite}, ".log", 0},
		{"later write of the log", []errorfs.OpKind{errorfs.OpFileWrite}, ".log", 20},
		{"first sync of the log", []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo}, ".log", 0},
		{"later sync of the log", []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo}, ".log", 15},
		{"any sync, for good", []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo}, "", 30},
		{"no new file", []errorfs.OpKind{errorfs.OpCreate, errorfs.OpReuseForWrite}, "", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			fault := &fault{kinds: test.kinds, suffix: test.file}
			e := openOn(t, dir, errorfs.Wrap(vfs.Default, fault))
			fault.start(test.after)
			acknowledged := kvtest.UntilFailure(t, e)
			again := open(t, dir)
			defer again.Close()
			kvtest.Has(t, again, acknowledged)
			if err := again.Update(context.Background(), func(tx kv.Tx) error { return tx.Put("b", []byte("later"), nil) }); err != nil {
				t.Errorf("Update after the disk works again = %v", err)
			}
		})
	}
}
