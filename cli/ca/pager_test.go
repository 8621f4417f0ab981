package ca

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"

	"stepca/cli"
)

func TestPaged(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("tr"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	for _, tt := range []struct {
		pager []string
		want  string
	}{
		{nil, "a list\n"},
		{[]string{"tr", "a-z", "A-Z"}, "A LIST\n"},
		{[]string{"no-such-pager"}, "a list\n"},
	} {
		var out bytes.Buffer
		env := &cli.Env{Stdout: &out, Stderr: io.Discard}
		err := paged(t.Context(), env, tt.pager, func(w io.Writer) error {
			_, err := io.WriteString(w, "a list\n")
			return err
		})
		if err != nil || out.String() != tt.want {
			t.Errorf("%q: %q, %v, want %q", tt.pager, out.String(), err, tt.want)
		}
	}
	refused := errors.New("refused")
	if err := paged(t.Context(), &cli.Env{Stdout: io.Discard}, []string{"tr"}, func(io.Writer) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("got %v, want %v", err, refused)
	}
}

// Scripts read lists: what is not shown on a terminal has no pager.
func TestPagerOfScripts(t *testing.T) {
	t.Parallel()
	env := &cli.Env{Stdout: new(bytes.Buffer), Getenv: func(string) string { return "less" }}
	if words := pager(env); words != nil {
		t.Errorf("pager %q", words)
	}
}
