package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
)

// Exit codes of the needs-renewal commands.
const (
	exitNotDue  = 1
	exitNoFile  = 2
	exitUnknown = 255
)

// RenewalExitCodes is the section about them in the help of the commands.
const RenewalExitCodes = `## EXIT CODES
0: the certificate needs renewal.

1: it does not need renewal.

2: the file does not exist.

255: any other error.`

// RenewalFlags are --expires-in and --verbose: when a certificate is due, and
// whether to say so in words. The answer is the exit code.
type RenewalFlags struct {
	expiresIn string
	verbose   bool
}

// Define adds the flags to the command, and makes its errors end it as scripts
// expect.
func (f *RenewalFlags) Define(cmd *cobra.Command) {
	FailWith(cmd, exitUnknown)
	cmd.Flags().StringVar(&f.expiresIn, "expires-in", "", "the `percent|duration`: the part of the lifetime that is over (75%), or the time left (24h)")
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "print the result in words")
}

// Threshold is the value of --expires-in.
func (f *RenewalFlags) Threshold() (RenewalThreshold, error) {
	return ParseRenewalThreshold("expires-in", f.expiresIn)
}

// MustExist gives a missing file its own exit code.
func (f *RenewalFlags) MustExist(name string) error {
	if _, err := os.Stat(name); name != "-" && errors.Is(err, fs.ErrNotExist) {
		return &ExitError{Code: exitNoFile, Err: err}
	}
	return nil
}

// Answer ends the command with what it has found out.
func (f *RenewalFlags) Answer(env *Env, due bool) error {
	switch {
	case due && f.verbose:
		fmt.Fprintln(env.Stdout, "certificate needs renewal")
	case !due && f.verbose:
		env.Noticef("certificate does not need renewal")
	}
	if !due {
		return &ExitError{Code: exitNotDue}
	}
	return nil
}
