package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"stepca/buildinfo"
	"stepca/config"
	"stepca/kms"
)

// Env is what a command sees of the world, so that it can run inside a test.
type Env struct {
	Stdin  io.Reader
	Stdout io.Writer // results only: what a script would capture
	Stderr io.Writer // notices, questions and errors

	Getenv func(string) string // "" for a variable that is not set
	Now    func() time.Time
	Prompt Prompter       // asks the user; its error is a *NoTerminalError where there is nobody
	Build  buildinfo.Info // what step version shows

	// OpenOffline opens an authority for commands with --offline; nil if this
	// program is linked without one.
	OpenOffline func(context.Context, *Env, OfflineOptions) (OfflineCA, error)

	// OpenRecords opens what commands on the machine of an authority may change in
	// its database, whether it runs or not; nil if this program is linked without.
	// A command uses what it needs of the result by an interface of its own.
	OpenRecords func(context.Context, *Env, OfflineOptions) (io.Closer, error)

	// KMS has the key managers that this program is linked with; others are used
	// through the program step-kms-plugin.
	KMS kms.Registry

	// Color allows ANSI styles on Stderr; ColorOut allows them on Stdout.
	Color, ColorOut bool

	// Path locates the user's files in the context in use, and Contexts are all
	// contexts. The frame sets both before it calls RunE.
	Path     config.StepPath
	Contexts *config.Contexts
}

// NewEnv is the environment of the running process.
func NewEnv(build buildinfo.Info) *Env {
	env := &Env{
		Stdin:  os.Stdin,
		Stdout: os.Stdout,
		Stderr: os.Stderr,
		Getenv: os.Getenv,
		Now:    time.Now,
		Build:  build,
	}
	env.Color = env.wantsColor(os.Stderr)
	env.ColorOut = env.wantsColor(os.Stdout)
	env.Prompt = &terminal{env: env}
	return env
}

// wantsColor follows no-color.org and the CLICOLOR_FORCE convention; without
// either, styles are for terminals.
func (env *Env) wantsColor(f *os.File) bool {
	switch {
	case env.Getenv("NO_COLOR") != "", env.Getenv("TERM") == "dumb":
		return false
	case env.Getenv("CLICOLOR_FORCE") != "" && env.Getenv("CLICOLOR_FORCE") != "0":
		return true
	}
	return term.IsTerminal(int(f.Fd()))
}

// Noticef writes one line to Stderr.
func (env *Env) Noticef(format string, args ...any) {
	fmt.Fprintf(env.Stderr, format+"\n", args...)
}

// Selected writes the line "✔ NAME: VALUE" to Stderr: a value that was chosen,
// by the user or for them. Scripts look for it.
func (env *Env) Selected(name, value string) {
	if env.Color {
		const (
			green, bold, reset = "\x1b[32m", "\x1b[1m", "\x1b[0m"
		)
		fmt.Fprintf(env.Stderr, "%s✔%s %s%s:%s %s\n", green, reset, bold, name, reset, value)
		return
	}
	fmt.Fprintf(env.Stderr, "✔ %s: %s\n", name, value)
}
