package certificate

import (
	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/keyfile"
)

func key(env *cli.Env) *cobra.Command {
	var (
		out   string
		force bool
	)
	cmd := &cobra.Command{
		Use:   "key <crt-file>",
		Short: "print the public key of a certificate",
		Long: `**step certificate key** prints the public key of a certificate, a certificate request
or a key, as PEM.

## POSITIONAL ARGUMENTS
<crt-file>
    The file with the certificate, request or key.`,
		Example: `Print the public key of a certificate:
$ step certificate key certificate.crt`,
		Args: cli.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			data, err := env.ReadFile(args[0])
			if err != nil {
				return err
			}
			pub, err := keyfile.ParsePublicKey(args[0], data, env.Password("", ""))
			if err != nil {
				return err
			}
			if data, err = keyfile.EncodePublicKey(pub); err != nil {
				return err
			}
			if out == "" {
				_, err := env.Stdout.Write(data)
				return err
			}
			if err := env.WriteFile(out, data, 0o600, force); err != nil {
				return err
			}
			env.Noticef("The public key has been saved in %s.", out)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the `file` for the key, instead of standard output")
	cli.Alias(cmd, "out", "output-file")
	cli.Force(cmd, &force)
	return cmd
}
