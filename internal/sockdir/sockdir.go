// Package sockdir makes temporary directories for the sockets of programs that
// tests start. Those of the system, and of testing, may not do: the path of a
// socket has 107 bytes at most, and a program may run as another user.
package sockdir

import (
	"os"
	"path/filepath"
)

// longest is how long the path of a directory may be, in bytes: what is left is for
// the names of sockets, and macOS allows four less.
const longest = 60

// Make makes a directory for the caller to remove. It is in the system's directory
// for temporary files, or in /tmp where that one has a long path or is for one user.
func Make(pattern string) (string, error) { return makeIn(os.TempDir(), pattern) }

func makeIn(parent, pattern string) (string, error) {
	if !public(parent) {
		parent = "/tmp"
	}
	dir, err := os.MkdirTemp(parent, pattern)
	if err != nil || len(dir) <= longest || parent == "/tmp" {
		return dir, err
	}
	if err := os.Remove(dir); err != nil {
		return "", err
	}
	return os.MkdirTemp("/tmp", pattern)
}

// public reports whether every user can go through a directory and those above it.
func public(dir string) bool {
	for {
		info, err := os.Stat(dir)
		if err != nil || info.Mode()&0o001 == 0 {
			return false
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return true
		}
		dir = parent
	}
}
