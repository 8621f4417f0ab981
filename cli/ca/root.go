package ca

import (
	"strings"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/cli/authority"
	"stepca/client"
)

func root(env *cli.Env) *cobra.Command {
	var (
		conn        authority.Connection
		fingerprint string
		force       bool
	)
	cmd := &cobra.Command{
		Use:   "root [<root-file>]",
		Short: "download the root certificate",
		Long: `**step ca root** downloads the root certificate of an authority, checks it against its
fingerprint, and prints it or writes it to a file. The connection need not be trusted.`,
		Example: `Write the root certificate to a file:
$ step ca root root_ca.crt --ca-url https://ca.example.com --fingerprint 0d7d3834cf187726cf331c40a31aa7ef6b29ba4df601416c9788f6ee01058cf3`,
		Args: cli.MaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			url, err := conn.URL(cli.RequiredFlag(cmd, "ca-url"))
			if err != nil {
				return err
			}
			if strings.TrimSpace(fingerprint) == "" {
				return cli.RequiredFlag(cmd, "fingerprint")
			}
			crt, err := client.FetchRoot(cmd.Context(), url, fingerprint, client.Config{UserAgent: env.UserAgent()})
			if err != nil {
				return err
			}
			return deliver(env, args, force, "The root certificate has been saved in %s.", crt)
		},
	}
	conn.DefineURL(cmd)
	cmd.Flags().StringVar(&fingerprint, "fingerprint", "", "the SHA-256 `fingerprint` of the root certificate, in hex")
	cli.Force(cmd, &force)
	return cmd
}
