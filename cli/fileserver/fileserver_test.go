package fileserver_test

import (
	"testing"

	"stepca/cli/certificate"
	"stepca/cli/clitest"
	"stepca/cli/fileserver"
)

func TestMain(m *testing.M) { clitest.Main(m, fileserver.Command, certificate.Command) }

func TestScript(t *testing.T) { clitest.Run(t) }
