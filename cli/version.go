package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func versionCommand(env *Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "print the version of this program",
		Args:  NoArgs,
		RunE:  func(*cobra.Command, []string) error { return env.writeVersion() },
	}
	Standalone(cmd)
	return cmd
}

// writeVersion keeps the form of the reference, whose first line scripts parse.
func (env *Env) writeVersion() error {
	_, err := fmt.Fprintf(env.Stdout, "%s\nRelease Date: %s\n", env.UserAgent(), env.Build.Date)
	return err
}

// UserAgent names the program, its version and its platform, as requests do.
func (env *Env) UserAgent() string {
	return fmt.Sprintf("Smallstep CLI/%s (%s/%s)", env.Build.Version, runtime.GOOS, runtime.GOARCH)
}
