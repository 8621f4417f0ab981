package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// A picker is a list of items of which one is marked. On a screen with fewer
// lines it shows the part of the list around the mark.
type picker struct {
	label  string
	items  []string
	height int // of the screen, in lines
	width  int // of the screen, in columns
	marked int
}

// pick lets the user choose one of the items and returns its index. The list is
// gone from the screen afterwards.
func pick(in, out *os.File, label string, items []string) (int, error) {
	if len(items) == 0 {
		return 0, errors.New("there is nothing to choose from")
	}
	p := &picker{label: label, items: items, width: 80, height: 24}
	if width, height, err := term.GetSize(int(out.Fd())); err == nil && width > 0 && height > 0 {
		p.width, p.height = width, height
	}
	err := raw(in, func() error { return p.run(&keyReader{in: in}, out) })
	return p.marked, err
}

func (p *picker) run(keys io.Reader, out io.Writer) error {
	for {
		lines := p.lines()
		if _, err := io.WriteString(out, strings.Join(lines, "\r\n")); err != nil {
			return err
		}
		done, err := p.key(keys)
		// Back to the first line, and clear from there to the end of the screen.
		up := ""
		if n := len(lines) - 1; n > 0 {
			up = fmt.Sprintf("\x1b[%dA", n)
		}
		if _, writeErr := io.WriteString(out, "\r"+up+"\x1b[J"); err == nil {
			err = writeErr
		}
		if done || err != nil {
			return err
		}
	}
}

// lines are what is shown: two lines of heading and as many items as fit.
func (p *picker) lines() []string {
	lines := []string{"Use the arrow keys to navigate: ↓ ↑ → ←", p.label}
	room := min(max(p.height-len(lines)-1, 1), len(p.items))
	first := min(max(p.marked-room/2, 0), len(p.items)-room)
	for i := first; i < first+room; i++ {
		mark := "  "
		if i == p.marked {
			mark = "▸ "
		}
		lines = append(lines, mark+p.items[i])
	}
	for i, line := range lines {
		// A line that wraps would be cleared in part only.
		if r := []rune(line); len(r) >= p.width {
			lines[i] = string(r[:p.width-1])
		}
	}
	return lines
}

// key reads one key and moves the mark, or is done.
func (p *picker) key(keys io.Reader) (done bool, err error) {
	b, err := readByte(keys)
	if err != nil {
		return false, err
	}
	if b == 0x1b {
		if b, err = arrow(keys); err != nil {
			return false, err
		}
	}
	switch b {
	case '\r', '\n':
		return true, nil
	case ctrlC:
		return false, errInterrupted
	case ctrlD:
		return false, errEndOfInput
	case 'k', 'h', 0x10: // ^P
		p.marked = max(p.marked-1, 0)
	case 'j', 'l', 0x0e: // ^N
		p.marked = min(p.marked+1, len(p.items)-1)
	}
	return false, nil
}

// arrow reads the rest of the escape sequence of an arrow key, ESC [ A or ESC O A,
// and returns the letter that does the same; 0 for other sequences.
func arrow(keys io.Reader) (byte, error) {
	b, err := readByte(keys)
	if err != nil || b != '[' && b != 'O' {
		return 0, err
	}
	for {
		b, err = readByte(keys)
		switch {
		case err != nil:
			return 0, err
		case b == 'A', b == 'D':
			return 'k', nil
		case b == 'B', b == 'C':
			return 'j', nil
		case b >= 0x40 && b <= 0x7e: // the final byte of ECMA-48 §5.4
			return 0, nil
		}
	}
}

func readByte(r io.Reader) (byte, error) {
	var b [1]byte
	_, err := io.ReadFull(r, b[:])
	return b[0], err
}
