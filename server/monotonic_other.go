//go:build !linux

package server

// monotonicMicroseconds is zero where there is no systemd.
func monotonicMicroseconds() int64 { return 0 }
