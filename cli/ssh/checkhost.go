package ssh

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"stepca/api"
	"stepca/ca"
	"stepca/cli"
	"stepca/cli/authority"
	"stepca/client"
)

func checkHost(env *cli.Env) *cobra.Command {
	var (
		conn    authority.Connection
		verbose bool
	)
	cmd := &cobra.Command{
		Use:   "check-host <hostname>",
		Short: "check if a host has a certificate",
		Long: `**step ssh check-host** says by its exit code whether the certificate authority has
issued a certificate for a host. The configuration that **step ssh config** writes
asks this before it sends a connection through **step ssh proxycommand**. When the
authority cannot be reached, its last answer counts, if the configuration is there.

## EXIT CODES
0: the host has a certificate.

1: it has none, or an error.`,
		Example: `Check a host:
$ step ssh check-host --verbose server.example.com
true`,
		Args: cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			defer conn.Close()
			c, err := conn.Open(cmd.Context(), env, cmd)
			if err != nil {
				env.Noticef("There is a problem with your step configuration. Please run 'step ssh config'.")
				return err
			}
			found, err := hasCertificate(cmd.Context(), env, withIdentity(env, c), args[0])
			if err != nil {
				return err
			}
			if verbose {
				fmt.Fprintln(env.Stdout, found)
			}
			if !found {
				return &cli.ExitError{Code: cli.ExitFailure}
			}
			return nil
		},
	}
	defineConnection(cmd, &conn)
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "print the result in words")
	return cmd
}

// hasCertificate asks the authority for a host, or its memory if there is no answer.
func hasCertificate(ctx context.Context, env *cli.Env, c *client.Client, host string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	memory := rememberedHosts(env)
	found, err := c.SSHCheckHost(ctx, &api.SSHCheckHostRequest{Type: ca.SSHHost, Principal: host})
	switch {
	case err == nil:
		if err := memory.note(host, found); err != nil {
			env.Noticef("%v", cli.FileError(err)) // the answer is good all the same
		}
	case isUnreachable(err) && memory.has(host):
		env.Noticef("%v", err)
		return true, nil
	}
	return found, err
}
