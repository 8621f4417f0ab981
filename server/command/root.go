package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"stepca/buildinfo"
	"stepca/config"
	"stepca/keyfile"
	"stepca/kms"
	"stepca/server"
)

// An Env is what the commands may touch.
type Env struct {
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Build          buildinfo.Info

	// Prompt asks for passwords of keys; the zero value if there is no terminal.
	Prompt keyfile.Password

	KMS     kms.Registry
	Engines map[string]server.EngineOpener
}

// Exit codes.
const (
	exitUsage = 1 // flags, arguments, no configuration file
	exitFatal = 2 // the configuration, its files or an address cannot be used
)

// An exitError ends the program with a code of its own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// Main runs a command line (without the program's name) until ctx ends and
// returns the exit code.
func Main(ctx context.Context, env *Env, args []string) int {
	root := newRoot(env)
	root.SetArgs(longFlags(args))
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(env.Stderr, text)
	}
	if exit, ok := errors.AsType[*exitError](err); ok {
		return exit.code
	}
	return exitUsage
}

func newRoot(env *Env) *cobra.Command {
	root := serveCommand(env)
	root.AddCommand(checkCommand(env), devCommand(env), versionCommand(env), exportCommand(env), onboardCommand(env))
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.HiddenDefaultCmd = true
	root.Version = server.ProductName(env.Build.Version)
	root.SetVersionTemplate(versionText(env))
	return root
}

// longFlags gives flags with one dash a second: -password-file is a habit that
// unit files and scripts have.
func longFlags(args []string) []string {
	out := make([]string, len(args))
	for i, arg := range args {
		if arg == "--" {
			copy(out[i:], args[i:])
			break
		}
		if len(arg) > 2 && arg[0] == '-' && arg[1] != '-' {
			arg = "-" + arg
		}
		out[i] = arg
	}
	return out
}

// stepPath returns the step path that the environment and a context name.
func (env *Env) stepPath(contextName string) (config.StepPath, error) {
	path, err := config.NewStepPath(env.Getenv)
	if err != nil {
		return path, err
	}
	contexts, err := config.LoadContexts(path.Base)
	if err != nil {
		return path, err
	}
	if contextName == "" {
		if current, ok := contexts.Current(); ok {
			path.Context = current
		}
		return path, nil
	}
	c, ok := contexts.Get(contextName)
	if !ok {
		return path, fmt.Errorf("context %q not found", contextName)
	}
	path.Context = c
	return path, nil
}

// logger is the log of the server: text lines on stderr, debug level with
// STEPDEBUG=1.
func (env *Env) logger() *slog.Logger {
	level := slog.LevelInfo
	if env.Getenv("STEPDEBUG") == "1" {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: level}))
}

// password reads the password in a file; "" is none.
func password(name string) (keyfile.Secret, error) {
	if name == "" {
		return keyfile.Secret{}, nil
	}
	value, err := keyfile.LoadPassword(name)
	if err != nil {
		return keyfile.Secret{}, &exitError{exitFatal, err}
	}
	return keyfile.NewSecret(value), nil
}

// isTrue reads a boolean environment variable.
func isTrue(s string) bool {
	switch strings.ToLower(s) {
	case "1", "t", "true", "yes", "on":
		return true
	}
	return false
}
