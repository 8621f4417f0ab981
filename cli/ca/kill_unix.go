//go:build unix

package ca

import "syscall"

// kill sends a signal to a process.
func kill(pid, signal int) error { return syscall.Kill(pid, syscall.Signal(signal)) }
