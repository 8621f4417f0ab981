package kvtest

import (
	"os"
	"os/exec"
	"testing"
)

// FullDisk checks the promises of UntilFailure on a disk that is full, and that
// the store works again with all that was acknowledged when there is space. It
// mounts a small file system in memory, for which the tests must run as root.
func FullDisk(t *testing.T, open Open) {
	if os.Getuid() != 0 {
		t.Skip("mounting a small file system needs root")
	}
	dir := t.TempDir()
	mount := func(args ...string) error {
		out, err := exec.Command("mount", append(args, dir)...).CombinedOutput()
		if err != nil {
			t.Logf("mount: %s", out)
		}
		return err
	}
	if err := mount("-t", "tmpfs", "-o", "size=24M,mode=0700", "kvtest"); err != nil {
		t.Skip("no file system can be mounted here")
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
	acknowledged := UntilFailure(t, open(t, dir))
	if len(acknowledged) == 0 {
		t.Error("nothing was written before the disk was full")
	}
	if err := mount("-o", "remount,size=512M", "kvtest"); err != nil {
		t.Fatal(err)
	}
	e := open(t, dir)
	defer closeEngine(t, e)
	Has(t, e, acknowledged)
	put(t, e, "b", "later", "v")
}
