package kms

import (
	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/kms"
)

func key(env *cli.Env) *cobra.Command {
	var m manager
	var passwordFile string
	cmd := &cobra.Command{
		Use:   "key <uri>",
		Short: "print the public half of a key",
		Long:  `**step kms key** prints the public half of a key.`,
		Example: `Print the public key of a key in the TPM:
$ step kms key tpmkms:name=web`,
		Args: cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return m.use(cmd.Context(), env, args[0], passwordFile, func(engine kms.Engine) error {
				public, err := engine.PublicKey(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return writePublicKey(env, public)
			})
		},
	}
	m.define(cmd)
	cmd.Flags().StringVar(&passwordFile, "password-file", "", "the `file` with the password of a key in a file")
	return cmd
}
