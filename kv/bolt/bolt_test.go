package bolt_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"stepca/kv"
	"stepca/kv/bolt"
	"stepca/kv/kvtest"
)

func open(t testing.TB, dir string) kv.Engine {
	e, err := bolt.Open(t.Context(), bolt.Options{Path: filepath.Join(dir, "db", "ca.db")})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestConformance(t *testing.T) { kvtest.Run(t, open, kvtest.Options{}) }

func TestCrash(t *testing.T) { kvtest.Crash(t, open) }

func BenchmarkUpdate(b *testing.B) { kvtest.Benchmark(b, open) }

func TestModes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := open(t, dir)
	defer e.Close()
	for path, want := range map[string]os.FileMode{"db": 0o700 | os.ModeDir, "db/ca.db": 0o600} {
		info, err := os.Stat(filepath.Join(dir, path))
		if err != nil || info.Mode() != want {
			t.Errorf("%s: mode %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
}

func TestLocked(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ca.db")
	e, err := bolt.Open(t.Context(), bolt.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	_, err = bolt.Open(t.Context(), bolt.Options{Path: path, LockTimeout: 10 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "another step-ca") {
		t.Errorf("Open of a locked file = %v, want an error with the path and what to do", err)
	}
}

// TestForeign: what another program wrote is refused, and not touched.
func TestForeign(t *testing.T) {
	t.Parallel()
	boltFile := func(buckets ...string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			db, err := bbolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			err = db.Update(func(tx *bbolt.Tx) error {
				for _, name := range buckets {
					b, err := tx.CreateBucket([]byte(name))
					if err != nil {
						return err
					}
					if err := b.Put([]byte("format"), []byte("2")); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name string
		make func(t *testing.T, path string)
		want string // part of the error, "" if it can be used
	}{
		{"reference", boltFile("acme_accounts", "admins", "ssh_certs", "used_ott", "x509_certs"), "used_ott, x509_certs"},
		{"newer", boltFile("Step-CA"), "newer version"},
		{"unused", boltFile(), ""},
		{"text", func(t *testing.T, path string) { write(t, path, "hello") }, "not a bbolt database"},
		{"empty", func(t *testing.T, path string) { write(t, path, "") }, ""},
		{"directory of Badger", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(path, "MANIFEST"), "Bdgr\x00\x00\x00\x04")
		}, "Badger 1.x"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "ca.db")
			test.make(t, path)
			before, _ := os.ReadFile(path)
			e, err := bolt.Open(t.Context(), bolt.Options{Path: path})
			if test.want == "" {
				if err != nil {
					t.Fatalf("Open() = %v", err)
				}
				e.Close()
				return
			}
			if !errors.Is(err, kv.ErrForeign) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("Open() = %v, want ErrForeign with %s and the path", err, test.want)
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("Open changed the file")
			}
		})
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFullDisk(t *testing.T) { t.Parallel(); kvtest.FullDisk(t, open) }
