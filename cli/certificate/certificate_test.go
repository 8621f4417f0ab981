package certificate_test

import (
	"testing"

	"stepca/cli/certificate"
	"stepca/cli/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m, certificate.Command, certificate.CRLCommand) }

func TestScripts(t *testing.T) { clitest.Run(t) }
