package command

import (
	"io"
	"testing"

	"stepca/internal/doctest"
)

// TestDocs holds the command lines in the documentation to the commands and
// flags that there are.
func TestDocs(t *testing.T) {
	t.Parallel()
	doctest.CheckCommandLines(t, newRoot(&Env{Stdout: io.Discard, Stderr: io.Discard, Getenv: func(string) string { return "" }}))
}
