package cli

import (
	"os"
	"path/filepath"
	"testing"

	"stepca/keyfile"
)

func TestWriteFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	if err := os.WriteFile(in("old"), []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(in("old"), 0o640); err != nil { // whatever the umask
		t.Fatal(err)
	}
	files := []NewFile{
		{in("new/dir/key"), []byte("key"), keyfile.SecretPerm}, {in("old"), []byte("new"), PublicPerm}, {in("old/impossible"), nil, PublicPerm},
	}
	if err := WriteFiles(files...); err == nil {
		t.Fatal("a file below a file was written")
	}
	if data, err := os.ReadFile(in("old")); err != nil || string(data) != "old" {
		t.Errorf("the old file holds %q, %v", data, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("there are %v, %v", entries, err)
	}
	if err := WriteFiles(files[:2]...); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		data string
		mode os.FileMode
	}{"new/dir/key": {"key", 0o600}, "old": {"new", 0o640}} {
		data, err := os.ReadFile(in(name))
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(in(name))
		if err != nil || string(data) != want.data || info.Mode().Perm() != want.mode {
			t.Errorf("%s holds %q with mode %v, %v", name, data, info.Mode(), err)
		}
	}
}
