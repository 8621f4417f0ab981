//go:build unix

package e2e

import "syscall"

// noTerminal detaches a program from the terminal of who runs the tests.
func noTerminal() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
