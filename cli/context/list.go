package context

import (
	"fmt"

	"github.com/spf13/cobra"

	"stepca/cli"
)

func list(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "list the contexts",
		Long:  `**step context list** lists the contexts. The current one comes first, with the mark ▶.`,
		Args:  cli.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			current, ok := env.Contexts.Current()
			if ok {
				fmt.Fprintf(env.Stdout, "▶ %s\n", current.Name)
			}
			for _, ctx := range env.Contexts.List() {
				if ctx != current {
					fmt.Fprintln(env.Stdout, ctx.Name)
				}
			}
			return nil
		},
	}
	cli.WithoutContext(cmd)
	return cmd
}
