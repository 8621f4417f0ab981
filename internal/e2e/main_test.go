//go:build unix

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// The programs under test, built once for all tests.
var stepProgram, caProgram string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	syscall.Umask(0o022) // servers that become other users read files of the tests
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "stepca/cmd/step", "stepca/cmd/step-ca")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building the programs:", err)
		return 1
	}
	stepProgram, caProgram = filepath.Join(dir, "step"), filepath.Join(dir, "step-ca")
	return m.Run()
}

// peer returns the path of a program that the test needs. Where it is missing the
// test is skipped, or fails if CI is set.
func peer(t *testing.T, program, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		path, err = exec.LookPath(filepath.Join("/usr/sbin", program))
	}
	if err != nil {
		missing(t, "%s is not installed: apt-get install %s", program, debianPackage)
	}
	return path
}

// missing ends a test for which this machine lacks something.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}
