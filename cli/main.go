package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"stepca/buildinfo"
)

// Exit codes that mean something to scripts.
const (
	ExitSuccess        = 0
	ExitFailure        = 1
	ExitPanic          = 2
	ExitUnknownCommand = 3 // also an unknown help topic
)

// An ExitError ends the program with a code of the command's own.
type ExitError struct {
	Code int
	Err  error // shown like any error; nil shows nothing
}

func (e *ExitError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit code %d", e.Code)
	}
	return e.Err.Error()
}

func (e *ExitError) Unwrap() error { return e.Err }

// A Command makes one command, or a group of them with its subcommands.
type Command func(*Env) *cobra.Command

// Main runs the step program with the process's arguments and returns its exit
// code, for os.Exit.
func Main(build buildinfo.Info, commands ...Command) int {
	return Run(context.Background(), NewEnv(build), os.Args[1:], commands...)
}

// Run runs one command line, without the name of the program, and returns the
// exit code. Errors have been shown on env.Stderr when it returns.
func Run(ctx context.Context, env *Env, args []string, commands ...Command) (code int) {
	defer func() {
		if r := recover(); r != nil {
			env.panicked(r, args)
			code = ExitPanic
		}
	}()
	root := NewRoot(env, commands...)
	if words, ok := completionRequest(args); ok {
		env.complete(root, words)
		return ExitSuccess
	}
	return env.exit(env.execute(ctx, root, args))
}

// execute takes the command line apart, which also finds unknown words and
// flags, and gives it to cobra in the only form pflag reads as we do.
func (env *Env) execute(ctx context.Context, root *cobra.Command, args []string) error {
	if len(args) > 0 && args[0] == "kms" && !env.ownsKMS(root, args[1:]) {
		if found, err := env.runPlugin(ctx, "kms", args[1:]); found {
			return err
		}
	}
	line, err := parseLine(root, args)
	if unknown, ok := errors.AsType[*unknownCommandError](err); ok && unknown.parent == root {
		if found, err := env.runPlugin(ctx, unknown.word, unknown.rest); found {
			return err
		}
	}
	if err != nil {
		return err
	}
	if line.help || !line.cmd.Runnable() {
		return env.writeHelp(line.cmd)
	}
	root.SetArgs(line.canonical())
	if err := root.ExecuteContext(ctx); err != nil {
		return withExitCode(line.cmd, advise(line.cmd, err))
	}
	return nil
}

// exit shows the error and returns its exit code.
func (env *Env) exit(err error) int {
	if err == nil {
		return ExitSuccess
	}
	exit, ok := errors.AsType[*ExitError](err)
	if ok && exit.Err == nil {
		return exit.Code
	}
	if usage, ok := errors.AsType[*usageError](err); ok {
		fmt.Fprintf(env.Stdout, "Incorrect Usage: %s\n\n", usage)
		env.writeHelp(usage.cmd) // the usage error matters more than one of writing help
	}
	env.showError(err)
	switch _, unknown := errors.AsType[*unknownCommandError](err); {
	case exit != nil:
		return exit.Code
	case unknown:
		return ExitUnknownCommand
	}
	return ExitFailure
}

// showError writes the error as one line, and its hint, if it has one, as another.
// An error whose chain has a sentence for the user (a UserMessage method, as answers
// of the CA have) shows that sentence, and how to see the rest.
func (env *Env) showError(err error) {
	if advised, ok := errors.AsType[*hintError](err); ok {
		defer fmt.Fprintln(env.Stderr, advised.hint)
	}
	user, ok := errors.AsType[interface {
		error
		UserMessage() string
	}](err)
	if !ok || user.UserMessage() == "" || env.Debug() {
		fmt.Fprintln(env.Stderr, err)
		return
	}
	fmt.Fprintln(env.Stderr, user.UserMessage())
	fmt.Fprintln(env.Stderr, "Re-run with STEPDEBUG=1 for more info.")
}

// Debug reports whether the user asked for details with STEPDEBUG=1.
func (env *Env) Debug() bool { return env.Getenv("STEPDEBUG") == "1" }

func (env *Env) panicked(r any, args []string) {
	fmt.Fprintln(env.Stderr, "Something unexpected happened.")
	if env.Debug() {
		fmt.Fprintf(env.Stderr, "%v\n\n%s", r, debug.Stack())
		return
	}
	fmt.Fprintf(env.Stderr, "To see the details, run:\n\n  STEPDEBUG=1 step %s\n", strings.Join(args, " "))
}

// exitCodeKey is the annotation of FailWith.
const exitCodeKey = "exit-code"

// FailWith makes every error of the command, those of its command line
// included, end the program with the code, unless the error is an ExitError.
func FailWith(cmd *cobra.Command, code int) {
	annotate(cmd, exitCodeKey, fmt.Sprint(code))
}

func withExitCode(cmd *cobra.Command, err error) error {
	text, ok := cmd.Annotations[exitCodeKey]
	if _, has := errors.AsType[*ExitError](err); has || !ok {
		return err
	}
	var code int
	if _, scanErr := fmt.Sscan(text, &code); scanErr != nil {
		return errors.Join(err, scanErr)
	}
	return &ExitError{Code: code, Err: err}
}

func annotate(cmd *cobra.Command, key, value string) {
	if cmd.Annotations == nil {
		cmd.Annotations = make(map[string]string)
	}
	cmd.Annotations[key] = value
}
