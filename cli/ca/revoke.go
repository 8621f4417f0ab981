package ca

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"

	"github.com/spf13/cobra"

	"stepca/api"
	"stepca/cli"
	"stepca/cli/authority"
	"stepca/client"
	"stepca/keyfile"
)

// revokeFlags are those of step ca revoke.
type revokeFlags struct {
	conn       authority.Connection
	tokens     authority.TokenFlags
	revocation authority.RevocationFlags
	cert, key  string
	acme       string
}

func revoke(env *cli.Env) *cobra.Command {
	var f revokeFlags
	cmd := &cobra.Command{
		Use:   "revoke <serial-number>",
		Short: "revoke a certificate",
		Long: `**step ca revoke** revokes the certificate with a serial number, or, with --cert and
--key, the certificate in a file. Afterwards it cannot be renewed, and the revocation
list of the authority has it.

A certificate from an ACME server is revoked there, by its key, or without --key by
the account that got it.`,
		Example: `Revoke the certificate with a serial number:
$ step ca revoke 308893286343609293989051180431574390766

Revoke a certificate with its own key, and say why:
$ step ca revoke --cert internal.crt --key internal.key --reasonCode superseded

Revoke a certificate that an ACME provisioner gave to this user:
$ step ca revoke --cert internal.crt --reasonCode cessationOfOperation`,
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
	flags.StringVar(&f.acme, "acme", "", "the `URL` of the directory of the ACME server that issued --cert, which revokes it for --key or for the account that got it")
	cli.OnlyCommandLine(cmd, "acme")
	f.revocation.Define(cmd)
	return cmd
}

func (f *revokeFlags) run(env *cli.Env, cmd *cobra.Command, args []string) error {
	req, err := f.revocation.Request(&f.conn)
	if err != nil {
		return err
	}
	if f.cert != "" || f.key != "" || f.acme != "" {
		return f.runWithCertificate(env, cmd, args, req)
	}
	c, err := f.withToken(env, cmd, args, req)
	if err != nil {
		return err
	}
	return f.send(env, cmd, c, req)
}

// revoked tells of success; scripts know the text.
const revoked = "Certificate with Serial Number %s has been revoked."

func (f *revokeFlags) send(env *cli.Env, cmd *cobra.Command, c *client.Client, req *api.RevokeRequest) error {
	f.conn.ShowCA(env, c)
	if err := c.Revoke(cmd.Context(), req); err != nil {
		return err
	}
	env.Noticef(revoked, req.Serial)
	return nil
}

// runWithCertificate revokes the certificate of --cert, which authenticates the
// request itself, or with ACME.
func (f *revokeFlags) runWithCertificate(env *cli.Env, cmd *cobra.Command, args []string, req *api.RevokeRequest) error {
	switch {
	case len(args) > 0:
		return fmt.Errorf("'%s --cert <certificate> --key <key>' expects no additional positional arguments", cmd.CommandPath())
	case f.cert == "" && f.acme != "":
		return cli.RequiredWithFlag("acme", "cert")
	case f.cert == "":
		return cli.RequiredWithFlag("key", "cert")
	case f.revocation.Token != "":
		return cli.IncompatibleFlags("cert", "token")
	}
	chain, err := env.LoadCertificates(cmd.Context(), f.tokens.KMS, f.cert)
	if err != nil {
		return cli.FileError(err)
	}
	server, err := f.acmeServer(env, cmd, chain[0])
	switch {
	case err != nil:
		return err
	case server != nil:
		return f.revokeByACME(env, cmd, server, chain[0], req.ReasonCode)
	case f.key == "":
		return cli.RequiredWithFlag("cert", "key")
	}
	key, err := f.certificateKey(cmd.Context(), env, chain[0])
	if err != nil {
		return err
	}
	req.Serial = chain[0].SerialNumber.String()
	c, err := f.conn.Open(cmd.Context(), env, cmd)
	if err != nil {
		return err
	}
	own, err := c.WithCertificate(tlsCertificate(chain, key))
	if err != nil {
		return err
	}
	return f.send(env, cmd, own, req)
}

// certificateKey is that of --key, which must be the certificate's.
func (f *revokeFlags) certificateKey(ctx context.Context, env *cli.Env, crt *x509.Certificate) (crypto.Signer, error) {
	key, err := env.LoadSigner(ctx, f.tokens.KMS, f.key, f.tokens.Password(env))
	if err != nil {
		return nil, cli.FileError(err)
	}
	return key, keyfile.CheckPair(crt, key)
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
