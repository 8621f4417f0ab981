//go:build !windows

package cli

// ttyName is the controlling terminal of the process.
const ttyName = "/dev/tty"
