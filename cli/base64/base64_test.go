package base64_test

import (
	"testing"

	"stepca/cli/base64"
	"stepca/cli/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m, base64.Command) }

func TestScript(t *testing.T) { clitest.Run(t) }
