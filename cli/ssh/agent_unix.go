//go:build !windows

package ssh

import (
	"io"
	"net"
)

const noAgentHint = "Start an agent with 'eval $(ssh-agent)', or set SSH_AUTH_SOCK to the socket of the one that runs."

// dialAgent connects to the Unix socket of the agent.
func dialAgent(socket string) (io.ReadWriteCloser, error) { return net.Dial("unix", socket) }
