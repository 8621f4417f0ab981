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
			fmt.Fprintf(env.Stdout, "args=%q name=%q format=%q force=%t yes=%t size=%d list=%q changed=%t given=%t\n",
				args, name, format, force, yes, size, list, cmd.Flags().Changed("name"), cli.Given(cmd, "name"))
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

// ask is a command for each kind of question; it shows the answer.
func ask(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:  "ask <kind>...",
		Args: cli.RangeArgs(1, -1),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, kind := range args {
				var answer any
				var err error
				switch q := (cli.Question{Label: "Your " + kind, Flag: "name"}); kind {
				case "password":
					answer, err = env.Prompt.Password(q)
				case "confirm":
					answer, err = env.Prompt.Confirm(q)
				case "choice":
					answer, err = env.Prompt.Select(q, []string{"one", "two", "three"})
				default:
					answer, err = env.Prompt.Text(q)
				}
				if err != nil {
					return err
				}
				fmt.Fprintf(env.Stdout, "%q\n", answer)
			}
			return nil
		},
	}
}
