package cli

import (
	"errors"
	"io"
	"os"

	"golang.org/x/term"
)

// What the keys of the same name do to a question.
var (
	errInterrupted = errors.New("^C")
	errEndOfInput  = errors.New("^D")
)

const (
	ctrlC = 0x03
	ctrlD = 0x04
)

// A keyReader gives the keys of a terminal one by one, so that what was typed
// ahead for the next question stays with the terminal. Before that it gives
// what is in typed, which is how a line starts with a text to be edited.
type keyReader struct {
	typed []byte
	in    io.Reader
	last  byte
}

func (r *keyReader) Read(p []byte) (n int, err error) {
	switch {
	case len(p) == 0:
		return 0, nil
	case len(r.typed) > 0:
		n = copy(p, r.typed)
		r.typed = r.typed[n:]
		return n, nil
	}
	n, err = r.in.Read(p[:1])
	if n == 1 {
		r.last = p[0]
	}
	return n, err
}

// readLine reads a line that the user edits, beginning with text.
func readLine(in, out *os.File, prompt, text string) (line string, err error) {
	err = editLine(in, out, text, func(t *term.Terminal) error {
		t.SetPrompt(prompt)
		line, err = t.ReadLine()
		return err
	})
	return line, err
}

// readPassword reads a line without showing it.
func readPassword(in, out *os.File, prompt string) (password []byte, err error) {
	err = editLine(in, out, "", func(t *term.Terminal) error {
		line, err := t.ReadPassword(prompt)
		password = []byte(line)
		return err
	})
	return password, err
}

// editLine makes the terminal raw while read runs.
func editLine(in, out *os.File, typed string, read func(*term.Terminal) error) error {
	keys := &keyReader{typed: []byte(typed), in: in}
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{keys, out}, "")
	if width, height, err := term.GetSize(int(out.Fd())); err == nil && width > 0 {
		if err := t.SetSize(width, height); err != nil {
			return err
		}
	}
	err := raw(in, func() error { return read(t) })
	switch {
	case errors.Is(err, term.ErrPasteIndicator): // pasting a line is answering
		return nil
	case errors.Is(err, io.EOF) && keys.last == ctrlC:
		return errInterrupted
	case errors.Is(err, io.EOF):
		return errEndOfInput
	}
	return err
}

// raw runs do while the terminal gives each key at once and shows none.
func raw(in *os.File, do func() error) error {
	state, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return err
	}
	return errors.Join(do(), term.Restore(int(in.Fd()), state))
}
