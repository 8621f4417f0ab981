package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"
)

// terminal is the Prompter of a process: keys come from standard input if that
// is a terminal, else from the controlling terminal, and questions go to
// standard error, so that a captured output stays clean.
//
// Keys are read one by one. A library that reads ahead, as bubbletea does, loses
// what was typed for the next question, and shows it when that is a password.
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

func (t *terminal) Text(q Question) (answer string, err error) {
	err = t.ask(q, func(in, out *os.File) (string, error) {
		if answer, err = readLine(in, out, t.label(q), q.Default); err != nil {
			return "", fmt.Errorf("error running prompt: %w", err)
		}
		return answer, nil
	})
	return answer, err
}

func (t *terminal) label(q Question) string {
	if t.env.Color {
		return "\x1b[32m✔\x1b[0m \x1b[1m" + q.Label + ":\x1b[0m "
	}
	return "✔ " + q.Label + ": "
}

func (t *terminal) Password(q Question) (answer []byte, err error) {
	err = t.ask(q, func(in, out *os.File) (string, error) {
		if answer, err = readPassword(in, out, q.Label+": "); err != nil {
			return "", fmt.Errorf("error reading password: %w", err)
		}
		answer = bytes.TrimRightFunc(answer, unicode.IsSpace)
		return string(answer), nil
	})
	return answer, err
}

// ask calls read until the answer is one that the question allows.
func (t *terminal) ask(q Question, read func(in, out *os.File) (string, error)) error {
	in, out, done, err := t.open(q)
	if err != nil {
		return err
	}
	defer done()
	for {
		answer, err := read(in, out)
		if err != nil || q.Validate == nil {
			return err
		}
		if err = q.Validate(answer); err == nil {
			return nil
		}
		fmt.Fprintf(out, "✗ %v\n", err)
	}
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
	in, out, done, err := t.open(q)
	if err != nil {
		return 0, err
	}
	defer done()
	chosen, err := pick(in, out, q.Label, items)
	if err != nil {
		return 0, fmt.Errorf("error running prompt: %w", err)
	}
	return chosen, nil
}
