package ssh

import (
	"io"
	"os"
)

// agentPipe is where the ssh-agent service of Windows listens.
const agentPipe = `\\.\pipe\openssh-ssh-agent`

const noAgentHint = "Start the service ssh-agent, or set SSH_AUTH_SOCK to the named pipe of another agent."

// dialAgent opens the named pipe of the agent. SSH_AUTH_SOCK may name another
// pipe; the Unix sockets of Cygwin and of WSL cannot be reached from here.
func dialAgent(pipe string) (io.ReadWriteCloser, error) {
	if pipe == "" {
		pipe = agentPipe
	}
	return os.OpenFile(pipe, os.O_RDWR, 0)
}
