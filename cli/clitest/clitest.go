// Package clitest runs the scripts of the step commands: files of
// testdata/script in the form of the testscript package, in which "step" is the
// command tree under test. Besides what testscript has they know
//
//	exits CODE COMMAND [ARG...]   runs the command, which must end with CODE
//	[!peer:PROGRAM] skip          skips the script if a program is missing; with CI set, fails
//
// A script starts with an empty home directory, $HOME, and no terminal, unless
// it gives one to its next command with ttyin.
package clitest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"stepca/buildinfo"
	"stepca/cli"
)

// Main is the TestMain of a package with scripts: it makes the commands the step
// of its scripts and runs the tests.
func Main(m *testing.M, commands ...cli.Command) {
	MainProgram(m, func() {
		os.Exit(cli.Main(buildinfo.Info{Version: "test", Date: "2026-01-02 15:04 UTC"}, commands...))
	})
}

// MainProgram is Main for the whole program, whose main function it gets.
func MainProgram(m *testing.M, step func()) {
	testscript.Main(m, map[string]func(){
		"step": func() {
			leaveTerminal()
			step()
		},
	})
}

// Run runs the scripts of testdata/script, each as a parallel subtest. The
// functions prepare the environment of each further.
func Run(t *testing.T, prepare ...func(*testscript.Env) error) {
	testscript.Run(t, testscript.Params{
		Dir:                filepath.Join("testdata", "script"),
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			for _, f := range append([]func(*testscript.Env) error{setup}, prepare...) {
				if err := f(env); err != nil {
					return err
				}
			}
			return nil
		},
		Condition: condition,
		Cmds:      map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

func setup(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, "home")
	env.Setenv("HOME", home)
	return os.MkdirAll(home, 0o700)
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command [arg...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// condition knows [peer:PROGRAM]: the program is installed. With CI set a
// missing one is an error, so that scripts are not skipped there.
func condition(cond string) (bool, error) {
	program, ok := strings.CutPrefix(cond, "peer:")
	if !ok {
		return false, fmt.Errorf("unknown condition %q", cond)
	}
	_, err := exec.LookPath(program)
	if err != nil && os.Getenv("CI") != "" {
		return false, fmt.Errorf("%s is needed: %w", program, err)
	}
	return err == nil, nil
}
