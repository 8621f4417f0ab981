//go:build !windows

package ssh

import (
	"io"
	"net"
)

// dialAgent connects to the Unix socket of the agent.
func dialAgent(socket string) (io.ReadWriteCloser, error) { return net.Dial("unix", socket) }
