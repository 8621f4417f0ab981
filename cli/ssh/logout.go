package ssh

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"stepca/cli"
	"stepca/cli/authority"
)

// logoutFlags are those of step ssh logout.
type logoutFlags struct {
	conn     authority.Connection
	all      bool
	identity string
}

func logout(env *cli.Env) *cobra.Command {
	var f logoutFlags
	cmd := &cobra.Command{
		Use:   "logout [<identity>]",
		Short: "remove certificates from ssh-agent",
		Long: `**step ssh logout** removes from ssh-agent the certificates of the certificate
authority, with their private keys; with --all also keys that others have added.

## POSITIONAL ARGUMENTS
<identity>
    Only the keys with this comment, which is the identity given to
    **step ssh login**.`,
		Example: `Remove a certificate:
$ step ssh logout alice@example.com

Remove all keys:
$ step ssh logout --all`,
		Args: cli.MaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				f.identity = args[0]
			}
			a, err := connectAgent(env)
			if err != nil {
				return err
			}
			defer a.Close()
			done, err := f.run(cmd.Context(), env, cmd, a)
			if err == nil {
				_, err = fmt.Fprintln(env.Stdout, done)
			}
			return errors.Join(err, f.conn.Close())
		},
	}
	defineConnection(cmd, &f.conn)
	cmd.Flags().BoolVar(&f.all, "all", false, "remove keys whoever made them, not only those of the authority")
	identityFlag(cmd, &f.identity)
	return cmd
}

// identityFlag defines --identity, a positional argument that defaults.json can
// give.
func identityFlag(cmd *cobra.Command, value *string) {
	cmd.Flags().StringVar(value, "identity", "", "the `identity`, if it is not an argument")
}

// run returns what was done, in words.
func (f *logoutFlags) run(ctx context.Context, env *cli.Env, cmd *cobra.Command, a *sshAgent) (string, error) {
	suffix := "."
	if f.identity != "" {
		suffix = ": " + f.identity
	}
	if f.all && f.identity == "" {
		return "All identities removed.", a.RemoveAll()
	}
	keys, err := f.keys(ctx, env, cmd, a)
	switch {
	case err != nil:
		return "", err
	case len(keys) == 0:
		return "Identity not found" + suffix, nil
	}
	for _, key := range keys {
		if err := a.Remove(key); err != nil {
			return "", fmt.Errorf("error removing a key from ssh-agent: %w", err)
		}
	}
	if f.all {
		return "All identities removed" + suffix, nil
	}
	return "Identity removed" + suffix, nil
}

// keys are the ones to remove.
func (f *logoutFlags) keys(ctx context.Context, env *cli.Env, cmd *cobra.Command, a *sshAgent) (keys []ssh.PublicKey, err error) {
	if f.all {
		all, err := a.list()
		for _, key := range all {
			if key.comment == f.identity {
				keys = append(keys, key.PublicKey)
			}
		}
		return keys, err
	}
	// Without the authority any certificate counts as one of its own: a user who
	// logs out does not want to keep it because the network is down.
	var signers []ssh.PublicKey
	if c, err := f.conn.Open(ctx, env, cmd); err == nil {
		signers, _ = promptSigners(ctx, c)
	}
	certs, err := a.certificates(signers, f.identity)
	for _, cert := range certs {
		keys = append(keys, cert.Certificate)
	}
	return keys, err
}
