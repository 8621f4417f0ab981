package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func pathCommand(env *Env) *cobra.Command {
	var base, profile bool
	cmd := &cobra.Command{
		Use:   "path",
		Short: "print the directory where step keeps its files",
		Long: `**step path** prints the directory of the authority in use: $STEPPATH, or .step in
the home directory, and with contexts authorities/NAME below it.`,
		Example: `Print the directory:
$ step path`,
		Args: NoArgs,
		RunE: func(*cobra.Command, []string) error {
			dir := env.Path.Dir()
			switch {
			case base:
				dir = env.Path.Base
			case profile:
				dir = env.Path.ProfileDir()
			}
			_, err := fmt.Fprintln(env.Stdout, dir)
			return err
		},
	}
	cmd.Flags().BoolVar(&base, "base", false, "print the base directory, whatever the context")
	cmd.Flags().BoolVar(&profile, "profile", false, "print the directory of the context's profile")
	return cmd
}
