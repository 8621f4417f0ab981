package keyfile

import (
	"os"
	"path/filepath"
	"testing"
)

func TestResolvePath(t *testing.T) {
	t.Parallel()
	home, err := os.UserHomeDir()
	if err != nil {
		t.Skip(err)
	}
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	step := filepath.Join(wd, "step")
	for path, want := range map[string]string{
		"~/x.tpl":       filepath.Join(home, "x.tpl"),
		"./x.tpl":       filepath.Join(wd, "x.tpl"),
		"../x.tpl":      filepath.Join(filepath.Dir(wd), "x.tpl"),
		"t/x.tpl":       filepath.Join(step, "t", "x.tpl"),
		step + "/x.tpl": step + "/x.tpl",
	} {
		if got, err := ResolvePath(path, step); err != nil || got != want {
			t.Errorf("ResolvePath(%q) = %q, %v, want %q", path, got, err, want)
		}
	}
}
