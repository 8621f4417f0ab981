package ca

import (
	"fmt"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/cli/authority"
)

func health(env *cli.Env) *cobra.Command {
	var conn authority.Connection
	cmd := &cobra.Command{
		Use:   "health",
		Short: "ask whether the authority is up",
		Long:  `**step ca health** asks the authority how it is, and prints the answer, which is "ok".`,
		Example: `Ask the authority that this machine is configured for:
$ step ca health
ok`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := conn.Open(cmd.Context(), env, cmd)
			if err != nil {
				return err
			}
			status, err := c.Health(cmd.Context())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(env.Stdout, status)
			return err
		},
	}
	conn.Define(cmd)
	return cmd
}
