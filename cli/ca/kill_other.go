//go:build !unix

package ca

import (
	"os"
	"syscall"
)

// kill sends a signal to a process; there is only the one that ends it.
func kill(pid, signal int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return p.Signal(syscall.Signal(signal))
}
