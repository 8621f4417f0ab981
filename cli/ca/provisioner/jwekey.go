package provisioner

import (
	"fmt"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/cli/authority"
)

func jweKey(env *cli.Env) *cobra.Command {
	var conn authority.Connection
	cmd := &cobra.Command{
		Use:   "jwe-key <kid>",
		Short: "print the encrypted key of a JWK provisioner",
		Long: `**step ca provisioner jwe-key** prints the private key of the JWK provisioner with a key
ID. It is encrypted with the password of the provisioner.`,
		Example: `Decrypt the key of a provisioner:
$ step ca provisioner jwe-key 1vBoOhDQqA0GHAgHl3nPNz5ZI8jpiPZVlFSl7KBr9nE | step crypto jwe decrypt`,
		Args: cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := conn.Open(cmd.Context(), env, cmd)
			if err != nil {
				return err
			}
			key, err := c.EncryptedKey(cmd.Context(), args[0])
			if err != nil {
				return fmt.Errorf("error getting the provisioning key: %w", err)
			}
			_, err = fmt.Fprintln(env.Stdout, key)
			return err
		},
	}
	conn.Define(cmd)
	return cmd
}
