//go:build unix

package sockdir

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMake(t *testing.T) {
	t.Parallel()
	public, err := os.MkdirTemp("/tmp", "sockdir")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(public) })
	long, private := filepath.Join(public, strings.Repeat("x", 100)), filepath.Join(public, "private", "tmp")
	for _, dir := range []string{public, long, private} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o755); err != nil { // whatever the umask
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Dir(private), 0o700); err != nil {
		t.Fatal(err)
	}
	for parent, want := range map[string]string{public: public, long: "/tmp", private: "/tmp", public + "/none": "/tmp"} {
		dir, err := makeIn(parent, "x")
		if err != nil {
			t.Error(err)
			continue
		}
		defer os.RemoveAll(dir)
		if filepath.Dir(dir) != want {
			t.Errorf("a directory for %s: %s, want it in %s", parent, dir, want)
		}
		l, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.65535"))
		if err != nil {
			t.Error(err)
			continue
		}
		l.Close()
	}
}
