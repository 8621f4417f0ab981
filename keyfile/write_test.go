package keyfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

// content checks a file, and that nothing else is left in its directory.
func content(t *testing.T, file, want string, mode fs.FileMode) {
	t.Helper()
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Errorf("content %q, %v, want %q", got, err, want)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != mode {
		t.Errorf("mode %o, want %o", info.Mode().Perm(), mode)
	}
	leftovers, err := filepath.Glob(filepath.Join(filepath.Dir(file), ".*"))
	if err != nil || len(leftovers) > 0 {
		t.Errorf("left behind: %q, %v", leftovers, err)
	}
}

func TestWriteFile(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	file := filepath.Join(dir, "key")
	if err := WriteFile(file, []byte("one"), SecretPerm); err != nil {
		t.Fatal(err)
	}
	content(t, file, "one", 0o600)
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory: %v, %v", info.Mode(), err)
	}
	for _, test := range []struct{ old, perm, want fs.FileMode }{
		{0o640, 0o600, 0o640}, // let in by the administrator
		{0o644, 0o600, 0o640}, // a secret is never for everybody
		{0o444, 0o600, 0o440},
		{0o644, 0o644, 0o644},
		{0o600, 0o644, 0o600},
	} {
		if err := os.Chmod(file, test.old); err != nil {
			t.Fatal(err)
		}
		if err := WriteFile(file, []byte("two"), test.perm); err != nil {
			t.Fatal(err)
		}
		content(t, file, "two", test.want)
	}
}

func TestWriteFileKeepsLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := os.WriteFile(file, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("file", link); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(link, []byte("two"), SecretPerm); err != nil {
		t.Fatal(err)
	}
	content(t, file, "two", 0o600)
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info.Mode(), err)
	}
}

func TestWriteFileFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := WriteFile(dir, []byte("x"), SecretPerm); err == nil {
		t.Error("a directory was written to")
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var fileErr *FileError
	if err := WriteFile(filepath.Join(file, "x"), nil, SecretPerm); !errors.As(err, &fileErr) || fileErr.Op != "writing" {
		t.Errorf("below a file: %v", err)
	}
}

func TestWriteFileToDevice(t *testing.T) {
	t.Parallel()
	if err := WriteFile(os.DevNull, []byte("x"), SecretPerm); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Fatalf("%s was replaced: %v, %v", os.DevNull, info.Mode(), err)
	}
}

func TestCreateFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "d", "key")
	var created atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			switch err := CreateFile(file, []byte("one"), SecretPerm); {
			case err == nil:
				created.Add(1)
			case !errors.Is(err, fs.ErrExist):
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := created.Load(); n != 1 {
		t.Errorf("%d of 8 created the file, want 1", n)
	}
	content(t, file, "one", 0o600)
}
