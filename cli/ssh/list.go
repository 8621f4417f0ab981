package ssh

import (
	"fmt"

	"github.com/spf13/cobra"

	"stepca/cli"
)

func list(env *cli.Env) *cobra.Command {
	var raw bool
	cmd := &cobra.Command{
		Use:   "list [<subject>]",
		Short: "list the keys of ssh-agent",
		Long: `**step ssh list** lists the keys and certificates that ssh-agent keeps.

## POSITIONAL ARGUMENTS
<subject>
    Only keys with this comment. The comment of keys added by step is the subject of
    their certificate.`,
		Example: `List all keys:
$ step ssh list

Print a certificate:
$ step ssh list --raw alice@example.com | step ssh inspect`,
		Args: cli.MaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := connectAgent(env)
			if err != nil {
				return err
			}
			defer a.Close()
			keys, err := a.list()
			if err != nil {
				return err
			}
			shown := 0
			for _, key := range keys {
				if len(args) > 0 && key.comment != args[0] {
					continue
				}
				shown++
				if raw {
					env.Stdout.Write(encodePublicKey(key.PublicKey, key.comment))
				} else {
					fmt.Fprintln(env.Stdout, openSSHFingerprint.line(key.PublicKey, key.comment))
				}
			}
			if shown == 0 {
				fmt.Fprintln(env.Stdout, "The agent has no identities.")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&raw, "raw", false, "print the keys in the form of authorized_keys")
	return cmd
}
