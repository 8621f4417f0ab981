package storedir_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepca/kv"
	"stepca/kv/storedir"
)

var pebble1 = storedir.Marker{Engine: "pebble", Format: 1}

func TestClaim(t *testing.T) {
	t.Parallel()
	bolt := string(make([]byte, 16)) + "\xED\xDA\x0C\xED" + string(make([]byte, 100))
	tests := []struct {
		name  string
		files map[string]string
		want  string // part of the error, "" for success
	}{
		{"empty", nil, ""},
		{"fresh file system", map[string]string{"lost+found/": ""}, ""},
		{"crash while marking", map[string]string{"step-ca-store.json.tmp": "{"}, ""},
		{"ours", map[string]string{"step-ca-store.json": `{"engine":"pebble","format":1}`, "MANIFEST-000001": "x"}, ""},
		{"another engine of ours", map[string]string{"step-ca-store.json": `{"engine":"badger","format":1}`}, `store of the engine "badger"`},
		{"newer format", map[string]string{"step-ca-store.json": `{"engine":"pebble","format":2}`}, "newer version"},
		{"damaged marker", map[string]string{"step-ca-store.json": `{}`}, "damaged"},
		{"Badger 1.x", map[string]string{"MANIFEST": "Bdgr\x00\x00\x00\x04", "000000.vlog": ""}, "Badger 1.x"},
		{"Badger 2.x", map[string]string{"MANIFEST": "Bdgr\x00\x00\x00\x07", "KEYREGISTRY": "x", "000000.vlog": ""}, "Badger 2.x"},
		{"Badger 4.x", map[string]string{"MANIFEST": "Bdgr\x00\x00\x00\x08", "KEYREGISTRY": "x"}, "version 3 or later"},
		{"Badger value directory", map[string]string{"000000.vlog": ""}, "value logs"},
		{"Pebble", map[string]string{"marker.manifest.000001.MANIFEST-000001": "", "LOCK": ""}, "Pebble"},
		{"bbolt", map[string]string{"step.db": bolt}, "bbolt file (step.db)"},
		{"anything", map[string]string{"ca.json": "{}"}, "ca.json"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "a", "db")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			for name, content := range test.files {
				path := filepath.Join(dir, name)
				err := error(nil)
				if strings.HasSuffix(name, "/") {
					err = os.Mkdir(path, 0o700)
				} else {
					err = os.WriteFile(path, []byte(content), 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			before := list(t, dir)
			err := storedir.Claim(dir, pebble1)
			if test.want == "" {
				if err != nil {
					t.Fatalf("Claim() = %v", err)
				}
				if err := storedir.Claim(dir, pebble1); err != nil {
					t.Fatalf("second Claim() = %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("Claim() = %v, want an error about %s that names the directory", err, test.want)
			}
			if test.name != "damaged marker" && !errors.Is(err, kv.ErrForeign) {
				t.Errorf("Claim() = %v, want ErrForeign", err)
			}
			if after := list(t, dir); after != before {
				t.Errorf("Claim changed the directory from %s to %s", before, after)
			}
		})
	}
}

func list(t *testing.T, dir string) string {
	t.Helper()
	var s strings.Builder
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		s.WriteString(e.Name() + " " + info.Mode().String() + " " + info.ModTime().String() + "; ")
	}
	return s.String()
}

func TestClaimCreates(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "db")
	if err := storedir.Claim(dir, pebble1); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700 | os.ModeDir, filepath.Join(dir, storedir.MarkerName): 0o600} {
		info, err := os.Stat(path)
		if err != nil || info.Mode() != want {
			t.Errorf("%s: mode %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
}

func TestClaimFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := storedir.Claim(path, pebble1); err == nil || !strings.Contains(err.Error(), "needs a directory") {
		t.Errorf("Claim of a file = %v", err)
	}
	if err := storedir.Claim("", pebble1); err == nil || !strings.Contains(err.Error(), "dataSource") {
		t.Errorf("Claim of no path = %v", err)
	}
}
