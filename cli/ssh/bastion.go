package ssh

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"stepca/api"
	"stepca/cli"
)

// defaultBastionCommand connects standard input and output to a host.
const defaultBastionCommand = "nc %h %p"

// throughBastion runs ssh to the bastion, where a command connects to the host.
func throughBastion(ctx context.Context, env *cli.Env, b *api.SSHBastion, to target) error {
	args, err := bastionArgs(b, to)
	if err != nil {
		return err
	}
	ssh := exec.CommandContext(ctx, "ssh", args...)
	ssh.Stdin, ssh.Stdout, ssh.Stderr = env.Stdin, env.Stdout, env.Stderr
	err = ssh.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return &cli.ExitError{Code: max(exit.ExitCode(), cli.ExitFailure)}
	}
	return err
}

// bastionArgs are the arguments of ssh: [-l USER] [-p PORT] [FLAG...] -- HOST COMMAND.
func bastionArgs(b *api.SSHBastion, to target) ([]string, error) {
	command, err := bastionCommand(b.Command, to)
	if err != nil {
		return nil, err
	}
	var args []string
	if b.User != "" {
		args = append(args, "-l", b.User)
	}
	if b.Port != "" {
		args = append(args, "-p", b.Port)
	}
	args = append(args, strings.Fields(b.Flags)...)
	return append(args, "--", b.Hostname, command), nil
}

// bastionCommand puts the target in the place of %h, %p and %r. The command is
// for the shell of the bastion, so the target must not hold anything that means
// something to one: a link such as ssh://host;reboot/ may have brought it here.
func bastionCommand(command string, to target) (string, error) {
	if command == "" {
		command = defaultBastionCommand
	}
	for _, part := range []string{to.user, to.host, to.port} {
		if !isPlain(part) {
			return "", fmt.Errorf("%q cannot be used on the command line of a bastion", part)
		}
	}
	return strings.NewReplacer("%%", "%", "%h", to.host, "%p", to.port, "%r", to.user).Replace(command), nil
}

// isPlain reports whether a word consists of letters, digits and the punctuation
// of names and addresses, and is not an option.
func isPlain(s string) bool {
	return !strings.HasPrefix(s, "-") && strings.IndexFunc(s, func(r rune) bool {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return false
		}
		return !strings.ContainsRune("-._:@%+[]", r)
	}) < 0
}
