package main

import (
	"testing"

	"stepca/cli/clitest"
)

func TestMain(m *testing.M) { clitest.MainProgram(m, main) }

// TestScript runs what needs the whole program.
func TestScript(t *testing.T) { clitest.Run(t) }
