package ca

import (
	"context"
	"crypto/x509"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/cli/authority"
	"stepca/client"
)

func roots(env *cli.Env) *cobra.Command {
	return bundle(env, bundleCommand{
		use:   "roots [<roots-file>]",
		short: "download all root certificates",
		long:  `**step ca roots** downloads the root certificates of the authority.`,
		example: `Write them to a file, such as for curl --cacert:
$ step ca roots roots.pem`,
		saved: "The root certificate bundle has been saved in %s.",
		fetch: (*client.Client).Roots,
	})
}

func federation(env *cli.Env) *cobra.Command {
	return bundle(env, bundleCommand{
		use:   "federation [<federation-file>]",
		short: "download the roots of the authority and its federation",
		long: `**step ca federation** downloads the root certificates of the authority and of those it
is federated with.`,
		example: `Write them to a file:
$ step ca federation federation.pem`,
		saved: "The federation certificate bundle has been saved in %s.",
		fetch: (*client.Client).Federation,
	})
}

// A bundleCommand is what the commands differ in that download certificates.
type bundleCommand struct {
	use, short, long, example string
	saved                     string // format of the notice, with the file's name
	fetch                     func(*client.Client, context.Context) ([]*x509.Certificate, error)
}

func bundle(env *cli.Env, b bundleCommand) *cobra.Command {
	var (
		conn  authority.Connection
		force bool
	)
	cmd := &cobra.Command{
		Use:     b.use,
		Short:   b.short,
		Long:    b.long + " They are printed, or written to a file.",
		Example: b.example,
		Args:    cli.MaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := conn.Open(cmd.Context(), env, cmd)
			if err != nil {
				return err
			}
			certs, err := b.fetch(c, cmd.Context())
			if err != nil {
				return err
			}
			return deliver(env, args, force, b.saved, certs...)
		},
	}
	conn.Define(cmd)
	cli.Force(cmd, &force)
	return cmd
}
