package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/spf13/cobra"

	"stepca/api"
	"stepca/cli"
	"stepca/client"
	"stepca/keyfile"
)

func proxyCommand(env *cli.Env) *cobra.Command {
	var f issuance
	cmd := &cobra.Command{
		Use:   "proxycommand <user> <host> <port>",
		Short: "connect ssh to a host, logging in before",
		Long: `**step ssh proxycommand** is for the option ProxyCommand of ssh: it connects standard
input and output to a host. If ssh-agent has no valid certificate of the authority, it
gets one first, as **step ssh login** does. If the authority knows a bastion for the
host, the connection goes through it.

## POSITIONAL ARGUMENTS
<user>
    The login name on the host, and the identity to log in with.

<host>
    The name or address of the host.

<port>
    The TCP port of sshd.`,
		Example: `Use it for all hosts of a domain, in ~/.ssh/config:

Host *.example.com
    ProxyCommand step ssh proxycommand %r %h %p`,
		Args: cli.ExactArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := runProxy(cmd.Context(), env, cmd, &f, target{args[0], args[1], args[2]})
			return errors.Join(err, f.conn.Close())
		},
	}
	f.define(cmd, &f.tokens.GeneralPasswordFile)
	f.tokens.DefinePassword(cmd)
	return cmd
}

// A target is where ssh wants to go.
type target struct{ user, host, port string }

func runProxy(ctx context.Context, env *cli.Env, cmd *cobra.Command, f *issuance, to target) error {
	c, err := f.conn.Open(ctx, env, cmd)
	if err != nil {
		return err
	}
	bastion, err := prepareProxy(ctx, env, c, f, to)
	switch {
	case err != nil:
		return err
	case bastion != nil:
		return throughBastion(ctx, env, bastion, to)
	}
	return direct(ctx, env, to)
}

// prepareProxy makes sure that the agent has a certificate, and returns the
// bastion for the target; nil if there is none. Who has logged in needs no
// authority to connect: without one, the target is asked directly.
func prepareProxy(ctx context.Context, env *cli.Env, c *client.Client, f *issuance, to target) (*api.SSHBastion, error) {
	a, err := connectAgent(env)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	err = ensureLogin(ctx, env, c, f, a, to.user)
	if err == nil {
		var resp *api.SSHBastionResponse
		if resp, err = askBastion(ctx, withIdentity(env, c), to); err == nil {
			return resp.Bastion, nil
		}
	}
	if !isUnreachable(err) {
		return nil, err
	}
	// Whether this authority has signed it is not known: sshd finds out.
	valid, listErr := a.hasValid(nil, env.Now())
	if listErr != nil || !valid {
		return nil, errors.Join(err, listErr)
	}
	env.Noticef("%v", err)
	env.Noticef("Connecting to %s without the certificate authority, with the certificate in ssh-agent.", to.host)
	return nil, nil
}

func askBastion(ctx context.Context, c *client.Client, to target) (*api.SSHBastionResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return c.SSHBastion(ctx, &api.SSHBastionRequest{User: to.user, Hostname: to.host})
}

// ensureLogin logs in unless the agent has a valid certificate of the CA.
func ensureLogin(ctx context.Context, env *cli.Env, c *client.Client, f *issuance, a *sshAgent, user string) error {
	signers, err := promptSigners(ctx, c)
	if err != nil {
		return err
	}
	if valid, err := a.hasValid(signers, env.Now()); err != nil || valid {
		return err
	}
	key, err := keyfile.Generate(keyfile.KeySpec{})
	if err != nil {
		return err
	}
	l := loginFlags{issuance: *f, identity: user}
	return l.login(ctx, env, a, key)
}

// direct connects to the host itself. It returns when the host has closed the
// connection: ssh may have sent its last byte long before.
func direct(ctx context.Context, env *cli.Env, to target) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(to.host, to.port))
	if err != nil {
		return fmt.Errorf("error connecting to %s: %w", net.JoinHostPort(to.host, to.port), err)
	}
	defer conn.Close()
	// Reading standard input cannot be interrupted, so nobody waits for this one:
	// it ends with the process.
	go func() {
		if _, err := io.Copy(conn, env.Stdin); err == nil {
			conn.(*net.TCPConn).CloseWrite()
		} else {
			conn.Close()
		}
	}()
	_, err = io.Copy(env.Stdout, conn)
	return err
}
