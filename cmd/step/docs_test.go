package main

import (
	"testing"

	"stepca/cli"
	"stepca/internal/doctest"
)

// TestDocs holds the command lines in the documentation to the commands and
// flags that there are.
func TestDocs(t *testing.T) {
	t.Parallel()
	env, _, _ := newEnv(t)
	doctest.CheckCommandLines(t, cli.NewRoot(env, commands()...))
}
