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
	if err := ensureLogin(ctx, env, c, f, to.user); err != nil {
		return err
	}
	resp, err := withIdentity(env, c).SSHBastion(ctx, &api.SSHBastionRequest{User: to.user, Hostname: to.host})
	if err != nil {
		return err
	}
	if resp.Bastion != nil {
		return throughBastion(ctx, env, resp.Bastion, to)
	}
	return direct(ctx, env, to)
}

// ensureLogin logs in unless the agent has a valid certificate of the CA.
func ensureLogin(ctx context.Context, env *cli.Env, c *client.Client, f *issuance, user string) error {
	a, err := connectAgent(env)
	if err != nil {
		return err
	}
	defer a.Close()
	signers, err := userSigners(ctx, c)
	if err != nil {
		return err
	}
	certs, err := a.certificates(signers, "")
	if err != nil {
		return err
	}
	for _, cert := range certs {
		if isValid(cert.Certificate, env.Now()) {
			return nil
		}
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
