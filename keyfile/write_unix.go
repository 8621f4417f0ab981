//go:build unix

package keyfile

import (
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives f the owner and group of old where the process may; where it
// may not, the file is the caller's, as if it had been made anew. It reports
// whether the group is that of old.
func keepOwner(f *os.File, old fs.FileInfo) bool {
	stat, ok := old.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	return f.Chown(int(stat.Uid), int(stat.Gid)) == nil || f.Chown(-1, int(stat.Gid)) == nil
}

// syncDir makes a rename in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
