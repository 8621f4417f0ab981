package cli_test

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"stepca/cli"
)

// probe is a command with every kind of flag that shows what reached it.
func probe(env *cli.Env) *cobra.Command {
	var (
		name, format          string
		force, yes            bool
		size                  int
		list                  []string
		panics, fails, secret bool
	)
	cmd := &cobra.Command{
		Use:   "probe <a> [<b>]",
		Short: "show flags and arguments",
		Args:  cli.RangeArgs(0, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case panics:
				panic("probe")
			case fails:
				return errors.New("it failed")
			}
			fmt.Fprintf(env.Stdout, "args=%q name=%q format=%q force=%t yes=%t size=%d list=%q changed=%t\n",
				args, name, format, force, yes, size, list, cmd.Flags().Changed("name"))
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&name, "name", "", "a `name`")
	cli.Alias(cmd, "name", "issuer")
	flags.StringVar(&format, "format", "hex", "an `encoding`")
	cli.Force(cmd, &force)
	flags.BoolVar(&yes, "yes", true, "a flag that is on")
	flags.IntVar(&size, "size", 0, "a `number`")
	flags.StringArrayVar(&list, "list", nil, "a `value`, repeatable")
	flags.BoolVar(&panics, "panics", false, "panic")
	flags.BoolVar(&fails, "fails", false, "fail")
	flags.BoolVar(&secret, "secret", false, "a flag nobody sees")
	cli.Hide(cmd, "secret")
	cli.ContextFlag(cmd)
	return cmd
}
