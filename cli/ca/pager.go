package ca

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"

	"golang.org/x/term"

	"stepca/cli"
)

// pager returns the words of $PAGER, which shows long lists, where standard output is
// a terminal. Compatible: the reference has it elsewhere, too, and fails without it.
func pager(env *cli.Env) []string {
	out, ok := env.Stdout.(*os.File)
	if !ok || !term.IsTerminal(int(out.Fd())) {
		return nil
	}
	words, err := splitWords(env.Getenv("PAGER"))
	if err != nil {
		return nil
	}
	return words
}

// paged shows what print prints with a pager; without one, or if that program is not
// there, it goes to standard output itself.
func paged(ctx context.Context, env *cli.Env, pager []string, print func(io.Writer) error) error {
	if len(pager) == 0 {
		return print(env.Stdout)
	}
	var text bytes.Buffer
	if err := print(&text); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, pager[0], pager[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(text.Bytes()), env.Stdout, env.Stderr
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		_, err = env.Stdout.Write(text.Bytes())
	}
	return err
}
