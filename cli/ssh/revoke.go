package ssh

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"stepca/api"
	"stepca/cli"
	"stepca/cli/authority"
	"stepca/client"
)

// revokeFlags are those of step ssh revoke.
type revokeFlags struct {
	conn       authority.Connection
	tokens     authority.TokenFlags
	token      string
	reason     string
	reasonCode string
}

func revoke(env *cli.Env) *cobra.Command {
	var f revokeFlags
	cmd := &cobra.Command{
		Use:   "revoke [<serial-number>]",
		Short: "revoke an SSH certificate",
		Long: `**step ssh revoke** revokes the certificate with a serial number, or, with
--sshpop-cert and --sshpop-key, the certificate in a file. Afterwards it cannot be
renewed, and the key revocation list that **step ssh krl** downloads has it: hosts
that use the list refuse it from then on.

## POSITIONAL ARGUMENTS
<serial-number>
    The serial number that **step ssh inspect** shows.`,
		Example: `Revoke the certificate with a serial number:
$ step ssh revoke 59721982564322301

Revoke a host certificate with its own key, and say why:
$ step ssh revoke --sshpop-cert ssh_host_ecdsa_key-cert.pub --sshpop-key ssh_host_ecdsa_key --reasonCode superseded`,
		Args: cli.MaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return errors.Join(f.run(env, cmd, args), f.conn.Close())
		},
	}
	f.conn.Define(cmd)
	f.tokens.DefineProvisioner(cmd)
	f.tokens.DefinePassword(cmd)
	f.conn.DefineOffline(cmd, &f.tokens.GeneralPasswordFile)
	f.tokens.DefineSSHPOP(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.token, "token", "", "a one-time `token`, instead of making one")
	flags.StringVar(&f.reason, "reason", "", "why, as free `text`")
	flags.StringVar(&f.reasonCode, "reasonCode", "", "why, as a `code` of RFC 5280: a number from 0 to 10 or a name such as keyCompromise")
	return cmd
}

func (f *revokeFlags) run(env *cli.Env, cmd *cobra.Command, args []string) error {
	code, err := authority.ParseReasonCode(f.reasonCode)
	if err != nil {
		return err
	}
	serial, err := f.serial(env, args)
	if err != nil {
		return err
	}
	token := f.token
	if token == "" {
		if token, err = f.mint(cmd.Context(), env, serial); err != nil {
			return err
		}
	}
	claims, err := client.ParseToken(token)
	if err != nil {
		return fmt.Errorf("error parsing flag '--token': %w", err)
	}
	if claims.Subject != serial {
		return fmt.Errorf("token subject '%s' and serial number '%s' do not match", claims.Subject, serial)
	}
	c, err := f.conn.OpenWithToken(cmd.Context(), env, claims)
	if err != nil {
		return err
	}
	selectedCA(env, &f.conn, c)
	err = c.SSHRevoke(cmd.Context(), &api.RevokeRequest{
		Serial: serial, Token: token, ReasonCode: code, Reason: f.reason, Passive: true,
	})
	if err != nil {
		return err
	}
	env.Noticef("SSH Certificate with Serial Number %s has been revoked.", serial)
	return nil
}

// serial is the serial number in decimal.
func (f *revokeFlags) serial(env *cli.Env, args []string) (string, error) {
	switch {
	case f.token != "" && f.conn.Offline.Enabled:
		return "", cli.IncompatibleFlags("offline", "token")
	case f.token != "" && f.tokens.PasswordFile != "":
		return "", cli.IncompatibleFlags("token", "provisioner-password-file")
	case len(args) > 0:
		n, err := strconv.ParseUint(args[0], 0, 64)
		if err != nil {
			return "", fmt.Errorf("'%s' is not the serial number of an SSH certificate, a number of up to 64 bits", args[0])
		}
		return strconv.FormatUint(n, 10), nil
	case f.tokens.SSHPOPCert == "" || f.tokens.SSHPOPKey == "":
		return "", errors.New("--sshpop-cert and --sshpop-key must be supplied if serial number is not supplied as first argument")
	}
	cert, _, err := loadCertificate(env, f.tokens.SSHPOPCert)
	if err != nil {
		return "", err
	}
	return strconv.FormatUint(cert.Serial, 10), nil
}

func (f *revokeFlags) mint(ctx context.Context, env *cli.Env, serial string) (string, error) {
	c, err := f.conn.CA(ctx, env)
	if err != nil {
		return "", err
	}
	p, err := f.tokens.Choose(ctx, env, c)
	if err != nil {
		return "", err
	}
	return f.tokens.Mint(ctx, env, c, p, client.TokenOptions{Route: api.PathSSHRevoke, Subject: serial})
}
