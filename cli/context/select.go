package context

import (
	"github.com/spf13/cobra"

	"stepca/cli"
)

func choose(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "select <name>",
		Short: "make a context the current one",
		Example: `Make the context alpha the current one:
$ step context select alpha`,
		Args: cli.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := env.Contexts.Select(args[0]); err != nil {
				return err
			}
			env.Selected("Context", args[0])
			return nil
		},
	}
	cli.WithoutContext(cmd)
	return cmd
}
