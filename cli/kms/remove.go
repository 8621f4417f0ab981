package kms

import (
	"fmt"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/kms"
)

func remove(env *cli.Env) *cobra.Command {
	var m manager
	var force bool
	cmd := &cobra.Command{
		Use:   "delete <uri>",
		Short: "delete a key for ever",
		Long: `**step kms delete** deletes a key and the certificate that is stored under its name.
Nobody can bring it back.`,
		Example: `Delete a key in the TPM without a question:
$ step kms delete tpmkms:name=web --force`,
		Args: cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return m.use(cmd.Context(), env, args[0], "", func(engine kms.Engine) error {
				deleter, err := ability[kms.KeyDeleter](engine, "delete keys")
				if err != nil {
					return err
				}
				if !force {
					yes, err := env.Prompt.Confirm(cli.Question{Label: fmt.Sprintf("Delete %s for ever", args[0]), Flag: "force"})
					if err != nil || !yes {
						return err
					}
				}
				return deleter.DeleteKey(cmd.Context(), args[0])
			})
		},
	}
	m.define(cmd)
	cmd.Flags().BoolVarP(&force, "force", "f", false, "do not ask")
	return cmd
}
