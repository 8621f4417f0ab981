package cli

import (
	"errors"
	"io"
	"strings"
	"testing"
)

func TestPicker(t *testing.T) {
	t.Parallel()
	items := []string{"a", "b", "c", "d", "e", "f"}
	tests := []struct {
		name, keys string
		want       int
		err        error
	}{
		{"first by default", "\r", 0, nil},
		{"letters move", "jjk\r", 1, nil},
		{"arrows move", "\x1b[B\x1b[B\x1b[A\r", 1, nil},
		{"application mode arrows move", "\x1bOB\x1bOC\r", 2, nil},
		{"other sequences do nothing", "\x1b[15~\x1b[1;5Pj\n", 1, nil},
		{"mark stays on the list", "kk\x1b[Ajjjjjjjjj\r", 5, nil},
		{"interrupted", "j\x03", 1, errInterrupted},
		{"end of input", "\x04", 0, errEndOfInput},
		{"terminal gone", "j\x1b[", 1, io.EOF},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := &picker{label: "Choose", items: items, width: 80, height: 6}
			err := p.run(strings.NewReader(test.keys), io.Discard)
			if !errors.Is(err, test.err) {
				t.Fatalf("run() = %v, want %v", err, test.err)
			}
			if p.marked != test.want {
				t.Errorf("keys %q marked %d, want %d", test.keys, p.marked, test.want)
			}
		})
	}
}

func TestPickerShowsTheMark(t *testing.T) {
	t.Parallel()
	for height := 1; height < 12; height++ {
		for marked := range 6 {
			p := &picker{label: "Choose", items: []string{"a", "b", "c", "d", "e", "ffffffff"}, width: 8, height: height, marked: marked}
			lines := p.lines()
			if !strings.Contains(strings.Join(lines, "\n"), "▸ "+p.items[marked][:1]) {
				t.Errorf("height %d: item %d is not shown in %q", height, marked, lines)
			}
			for _, line := range lines {
				if len([]rune(line)) >= p.width {
					t.Errorf("line %q is wider than the screen", line)
				}
			}
		}
	}
}
