package context

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"stepca/cli"
)

func current(env *cli.Env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "current",
		Short: "print the current context",
		Example: `Print the name of the current context:
$ step context current

Print the context with its authority and profile:
$ step context current --json`,
		Args: cli.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			ctx, ok := env.Contexts.Current()
			switch {
			case !ok:
				return errors.New("no context selected")
			case !asJSON:
				_, err := fmt.Fprintln(env.Stdout, ctx.Name)
				return err
			}
			return json.NewEncoder(env.Stdout).Encode(struct {
				Name      string `json:"name"`
				Authority string `json:"authority"`
				Profile   string `json:"profile"`
			}{ctx.Name, ctx.Authority, ctx.Profile})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print name, authority and profile as JSON")
	cli.WithoutContext(cmd)
	return cmd
}
