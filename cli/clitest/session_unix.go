//go:build !windows

package clitest

import "golang.org/x/sys/unix"

// leaveTerminal detaches the process from the terminal of whoever runs the
// tests. It fails for the leader of a session, which is what ttyin starts: that
// one is to have its terminal.
func leaveTerminal() {
	unix.Setsid() //nolint:errcheck // see above
}
