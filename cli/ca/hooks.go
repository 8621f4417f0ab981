package ca

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"stepca/cli"
)

// hooks are what to do after a certificate was replaced.
type hooks struct {
	pid     int
	pidFile string
	signal  int
	exec    string

	words []string // of exec; see check
}

func (h *hooks) define(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.IntVar(&h.pid, "pid", 0, "the `ID` of a process to signal afterwards")
	flags.StringVar(&h.pidFile, "pid-file", "", "a `file` with the ID of a process to signal afterwards")
	flags.IntVar(&h.signal, "signal", 1, "the `number` of the signal for --pid and --pid-file")
	flags.StringVar(&h.exec, "exec", "", "a `command` to run afterwards; its words may be quoted, no shell is involved")
}

// check looks at the values of the flags. The file with the process ID is read
// here, once.
func (h *hooks) check(cmd *cobra.Command, env *cli.Env) error {
	switch flags := cmd.Flags(); {
	case flags.Changed("pid") && h.pidFile != "":
		return cli.MutuallyExclusive("pid", "pid-file")
	case flags.Changed("pid") && h.pid <= 0:
		return cli.InvalidValue("pid", strconv.Itoa(h.pid))
	case h.signal <= 0:
		return cli.InvalidValue("signal", strconv.Itoa(h.signal))
	}
	if h.pidFile != "" {
		data, err := env.ReadFile(h.pidFile)
		if err != nil {
			return err
		}
		text := strings.TrimSpace(string(data))
		if h.pid, err = strconv.Atoi(text); err != nil || h.pid <= 0 {
			return fmt.Errorf("error converting %.40q of %s to a process ID", text, h.pidFile)
		}
	}
	var err error
	if h.words, err = splitWords(h.exec); err != nil {
		return cli.InvalidValueReason("exec", h.exec, err.Error())
	}
	return nil
}

// run signals the process, then runs the command with our streams.
func (h *hooks) run(ctx context.Context, env *cli.Env) error {
	if h.pid != 0 {
		if err := kill(h.pid, h.signal); err != nil {
			return fmt.Errorf("kill %d with signal %d failed: %w", h.pid, h.signal, err)
		}
	}
	if len(h.words) == 0 {
		return nil
	}
	cmd := exec.CommandContext(ctx, h.words[0], h.words[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = env.Stdin, env.Stdout, env.Stderr
	return cmd.Run()
}

// splitWords splits a command at spaces. Single or double quotes keep what is
// between them together; a backslash is like any other character, for Windows.
func splitWords(s string) ([]string, error) {
	var (
		words []string
		word  strings.Builder
		quote rune // the quote we are in, or 0
		begun bool // a word has begun, maybe an empty one
	)
	for _, c := range s {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '\'' || c == '"':
			quote, begun = c, true
		case c == ' ':
			if begun {
				words = append(words, word.String())
				word.Reset()
				begun = false
			}
		default:
			word.WriteRune(c)
			begun = true
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote is not closed")
	}
	if begun {
		words = append(words, word.String())
	}
	return words, nil
}
