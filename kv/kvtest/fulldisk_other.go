//go:build !linux

package kvtest

import "testing"

// FullDisk needs Linux.
func FullDisk(t *testing.T, _ Open) { t.Skip("a small file system is mounted on Linux only") }
