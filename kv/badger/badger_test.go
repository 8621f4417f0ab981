package badger_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepca/kv"
	"stepca/kv/badger"
	"stepca/kv/kvtest"
)

func open(t testing.TB, dir string) kv.Engine {
	e, err := badger.Open(t.Context(), badger.Options{Dir: filepath.Join(dir, "db")})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestConformance(t *testing.T) { kvtest.Run(t, open, kvtest.Options{}) }

func TestCrash(t *testing.T) { kvtest.Crash(t, open) }

// TestCrashWhileMakingFiles: what Badger was about to make when the process ended
// is empty, and no reason not to start.
func TestCrashWhileMakingFiles(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{{"000777.vlog"}, {"00777.mem"}, {"000777.vlog", "00777.mem"}} {
		dir := t.TempDir()
		e := open(t, dir)
		write := func(key string) {
			t.Helper()
			err := e.Update(t.Context(), func(tx kv.Tx) error { return tx.Put("b", []byte(key), []byte("v")) })
			if err != nil {
				t.Fatal(err)
			}
		}
		write("before")
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if err := os.WriteFile(filepath.Join(dir, "db", name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			e = open(t, dir)
			err := e.View(t.Context(), func(r kv.Reader) error {
				_, err := r.Get("b", []byte("before"))
				return err
			})
			if err != nil {
				t.Errorf("after %v: %v", names, err)
			}
			write("after")
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func BenchmarkUpdate(b *testing.B) { kvtest.Benchmark(b, open) }

func TestOptions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	opts := badger.Options{Dir: filepath.Join(dir, "keys"), ValueDir: filepath.Join(dir, "values"), FileLoadingMode: "FileIO"}
	for range 2 {
		e, err := badger.Open(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := badger.Open(t.Context(), opts); err == nil || !strings.Contains(err.Error(), "another step-ca") || !strings.Contains(err.Error(), opts.Dir) {
			t.Errorf("Open of a locked directory = %v, want an error with the path and what to do", err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	opts.FileLoadingMode = "telepathy"
	if _, err := badger.Open(t.Context(), opts); err == nil || !strings.Contains(err.Error(), "telepathy") {
		t.Errorf("Open with an unknown loading mode = %v", err)
	}
}

func TestForeign(t *testing.T) {
	t.Parallel()
	for version, files := range map[string][]string{"1.x": {"MANIFEST"}, "2.x": {"MANIFEST", "KEYREGISTRY"}} {
		dir := t.TempDir()
		for _, name := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("Bdgr\x00\x00\x00\x07"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := badger.Open(t.Context(), badger.Options{Dir: dir})
		if !errors.Is(err, kv.ErrForeign) || !strings.Contains(err.Error(), "Badger "+version) || !strings.Contains(err.Error(), "dataSource of its own") {
			t.Errorf("Open of a Badger %s directory = %v, want ErrForeign and the way out", version, err)
		}
	}
}

// TestModes: Badger creates some files with mode 0644, so all depends on the
// directory.
func TestModes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := open(t, dir)
	defer e.Close()
	info, err := os.Stat(filepath.Join(dir, "db"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has mode %v, %v, want 0700", info.Mode(), err)
	}
}
