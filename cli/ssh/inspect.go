package ssh

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"stepca/cli"
)

func inspect(env *cli.Env) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "inspect [<crt-file>]",
		Short: "print the contents of an SSH certificate",
		Long: `**step ssh inspect** prints an SSH certificate in readable form. Nothing is verified.
Of several in one file it prints all, and passes over plain keys.

## POSITIONAL ARGUMENTS
<crt-file>
    A file with a certificate, such as id_ecdsa-cert.pub. Standard input by default.`,
		Example: `Print a certificate:
$ step ssh inspect id_ecdsa-cert.pub

Print the principals of a certificate:
$ step ssh inspect --format json id_ecdsa-cert.pub | jq .Principals`,
		Args: cli.MaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "text" && format != "json" {
				return cli.InvalidValue("format", format, "text", "json")
			}
			name := argument(args)
			certs, err := loadCertificates(env, name)
			if err != nil {
				return err
			}
			enc := json.NewEncoder(env.Stdout)
			enc.SetIndent("", "  ")
			for _, cert := range certs {
				if format == "text" {
					_, err = fmt.Fprint(env.Stdout, describe(name, cert.Certificate))
				} else {
					err = enc.Encode(newInspection(cert.Certificate))
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "the `format` of the output: text or json")
	return cmd
}

// argument is the only positional argument, by default standard input.
func argument(args []string) string {
	if len(args) == 0 {
		return "-"
	}
	return args[0]
}
