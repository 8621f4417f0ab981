package ca

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/spf13/cobra"

	"stepca/api"
	"stepca/cli"
	"stepca/cli/authority"
	"stepca/client"
)

// revokeFlags are those of step ca revoke.
type revokeFlags struct {
	conn       authority.Connection
	tokens     authority.TokenFlags
	revocation authority.RevocationFlags
	cert, key  string
}

func revoke(env *cli.Env) *cobra.Command {
	var f revokeFlags
	cmd := &cobra.Command{
		Use:   "revoke <serial-number>",
		Short: "revoke a certificate",
		Long: `**step ca revoke** revokes the certificate with a serial number, or, with --cert and
--key, the certificate in a file. Afterwards it cannot be renewed, and the revocation
list of the authority has it.`,
		Example: `Revoke the certificate with a serial number:
$ step ca revoke 308893286343609293989051180431574390766

Revoke a certificate with its own key, and say why:
$ step ca revoke --cert internal.crt --key internal.key --reasonCode superseded`,
		Args: cli.MaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return errors.Join(f.run(env, cmd, args), f.conn.Close())
		},
	}
	f.conn.Define(cmd)
	f.conn.DefineOffline(cmd, &f.tokens.GeneralPasswordFile)
	f.tokens.DefineProvisioner(cmd)
	f.tokens.DefinePassword(cmd)
	f.tokens.DefineX5C(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.cert, "cert", "", "the `file` with the certificate to revoke, which then needs no token")
	flags.StringVar(&f.key, "key", "", "the private key `file` of --cert")
	f.revocation.Define(cmd)
	return cmd
}

func (f *revokeFlags) run(env *cli.Env, cmd *cobra.Command, args []string) error {
	req, err := f.revocation.Request(&f.conn)
	if err != nil {
		return err
	}
	var c *client.Client
	if f.cert != "" || f.key != "" {
		c, err = f.withCertificate(env, cmd, args, req)
	} else {
		c, err = f.withToken(env, cmd, args, req)
	}
	if err != nil {
		return err
	}
	f.conn.ShowCA(env, c)
	if err := c.Revoke(cmd.Context(), req); err != nil {
		return err
	}
	env.Noticef("Certificate with Serial Number %s has been revoked.", req.Serial)
	return nil
}

// withCertificate prepares a request that the certificate to revoke
// authenticates.
func (f *revokeFlags) withCertificate(env *cli.Env, cmd *cobra.Command, args []string, req *api.RevokeRequest) (*client.Client, error) {
	switch {
	case len(args) > 0:
		return nil, fmt.Errorf("'%s --cert <certificate> --key <key>' expects no additional positional arguments", cmd.CommandPath())
	case f.key == "":
		return nil, cli.RequiredWithFlag("cert", "key")
	case f.cert == "":
		return nil, cli.RequiredWithFlag("key", "cert")
	case f.revocation.Token != "":
		return nil, cli.IncompatibleFlags("cert", "token")
	}
	crt, err := loadPair(cmd.Context(), env, f.tokens.KMS, f.cert, f.key, f.tokens.Password(env))
	if err != nil {
		return nil, err
	}
	req.Serial = crt.Leaf.SerialNumber.String()
	c, err := f.conn.Open(cmd.Context(), env, cmd)
	if err != nil {
		return nil, err
	}
	return c.WithCertificate(crt)
}

// withToken prepares a request that a token authenticates.
func (f *revokeFlags) withToken(env *cli.Env, cmd *cobra.Command, args []string, req *api.RevokeRequest) (*client.Client, error) {
	if len(args) == 0 {
		return nil, cli.MissingArgs(cmd, "serial-number")
	}
	serial, ok := new(big.Int).SetString(args[0], 0)
	if !ok || serial.Sign() < 0 {
		return nil, fmt.Errorf("'%s' is not a valid serial number - use a base 10 representation or add a prefix indicating the base", args[0])
	}
	req.Serial = serial.String()
	return f.revocation.Authorize(cmd.Context(), env, &f.conn, &f.tokens, req, api.PathRevoke)
}
