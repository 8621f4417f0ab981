package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode"

	"charm.land/bubbles/v2/key"
	"charm.land/huh/v2"
	"golang.org/x/term"
)

// terminal is the Prompter of a process: keys come from standard input if that
// is a terminal, else from the controlling terminal, and questions go to
// standard error, so that a captured output stays clean.
type terminal struct {
	env *Env
}

// open returns the terminal to read keys from and to draw on.
func (t *terminal) open(q Question) (in, out *os.File, done func(), err error) {
	in, out, done = os.Stdin, os.Stderr, func() {}
	if !term.IsTerminal(int(in.Fd())) {
		if in, err = os.OpenFile(ttyName, os.O_RDWR, 0); err != nil {
			return nil, nil, nil, &NoTerminalError{Flag: q.Flag, Err: err}
		}
		done = func() { in.Close() }
	}
	if !term.IsTerminal(int(out.Fd())) {
		out = in
	}
	return in, out, done, nil
}

func (t *terminal) Text(q Question) (string, error) {
	answer, err := t.input(q, "error running prompt", huh.EchoModeNormal)
	if err != nil {
		return "", err
	}
	t.env.Selected(q.Label, answer)
	return answer, nil
}

func (t *terminal) Password(q Question) ([]byte, error) {
	answer, err := t.input(q, "error reading password", huh.EchoModeNone)
	if err != nil {
		return nil, err
	}
	t.env.Noticef("%s: ", q.Label)
	return bytes.TrimRightFunc([]byte(answer), unicode.IsSpace), nil
}

func (t *terminal) Confirm(q Question) (bool, error) {
	q.Label += " [y/n]"
	q.Validate = func(s string) error {
		_, err := parseYesNo(s)
		return err
	}
	answer, err := t.Text(q)
	if err != nil {
		return false, err
	}
	return parseYesNo(answer)
}

func parseYesNo(s string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "y", "yes":
		return true, nil
	case "n", "no":
		return false, nil
	}
	return false, errors.New("please answer y or n")
}

func (t *terminal) Select(q Question, items []string) (int, error) {
	options := make([]huh.Option[int], len(items))
	for i, item := range items {
		options[i] = huh.NewOption(item, i)
	}
	var chosen int
	field := huh.NewSelect[int]().Title(q.Label).Options(options...).Value(&chosen)
	err := t.run(q, "error running prompt", field)
	return chosen, err
}

func (t *terminal) input(q Question, failure string, echo huh.EchoMode) (string, error) {
	answer := q.Default
	field := huh.NewInput().Title(q.Label + ": ").Inline(true).Prompt("").EchoMode(echo).Value(&answer)
	if q.Validate != nil {
		field = field.Validate(q.Validate)
	}
	err := t.run(q, failure, field)
	return answer, err
}

// errInterrupted is what Ctrl-C does to a question.
var errInterrupted = errors.New("^C")

// run shows the field until it is answered. failure begins the error when it is
// not.
func (t *terminal) run(q Question, failure string, field huh.Field) error {
	in, out, done, err := t.open(q)
	if err != nil {
		return err
	}
	defer done()
	keys := huh.NewDefaultKeyMap()
	keys.Quit = key.NewBinding(key.WithKeys("ctrl+c", "ctrl+d"))
	err = huh.NewForm(huh.NewGroup(field)).
		WithInput(in).WithOutput(out).WithKeyMap(keys).WithShowHelp(false).
		WithTheme(huh.ThemeFunc(huh.ThemeBase)).
		WithAccessible(t.env.Getenv("TERM") == "dumb").
		Run()
	switch {
	case errors.Is(err, huh.ErrUserAborted):
		return fmt.Errorf("%s: %w", failure, errInterrupted)
	case err != nil:
		return fmt.Errorf("%s: %w", failure, err)
	}
	return nil
}
