package cli_test

import (
	"testing"

	"stepca/cli/clitest"
	"stepca/cli/context"
)

func TestMain(m *testing.M) { clitest.Main(m, context.Command, probe, ask) }

func TestScripts(t *testing.T) { clitest.Run(t) }
