package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"stepca/server"
)

func versionCommand(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "print the version of this program",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(env.Stdout, versionText(env))
			return err
		},
	}
}

func versionText(env *Env) string {
	return fmt.Sprintf("%s\nRelease Date: %s\n", server.ProductName(env.Build.Version), env.Build.Date)
}
