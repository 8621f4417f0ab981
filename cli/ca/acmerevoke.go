package ca

import (
	"crypto"
	"crypto/x509"
	"errors"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/client"
)

// revokeByACME revokes a certificate through ACME (RFC 8555 §7.6), in the name of
// its key if --key is given, else in the name of the stored account.
func (f *revokeFlags) revokeByACME(env *cli.Env, cmd *cobra.Command, server *acmeClient, crt *x509.Certificate, reason int) error {
	defer server.close()
	if err := f.checkACME(cmd); err != nil {
		return err
	}
	var key crypto.Signer
	if f.key != "" {
		var err error
		if key, err = f.certificateKey(cmd.Context(), env, crt); err != nil {
			return err
		}
	}
	env.Selected("CA", server.Directory)
	if err := server.revoke(cmd.Context(), crt, key, reason); err != nil {
		return err
	}
	env.Noticef(revoked, crt.SerialNumber)
	return nil
}

// acmeServer returns a client of the ACME server that revokes a certificate, nil if
// the CA does, without ACME. It is the server of --acme; or that of the
// certificate's record, unless it belongs to the CA in use; or without --key that
// of the ACME provisioner that vouched for the certificate.
func (f *revokeFlags) acmeServer(env *cli.Env, cmd *cobra.Command, crt *x509.Certificate) (*acmeClient, error) {
	if f.acme != "" {
		return newACMEClient(env, &acmeFlags{}, &f.conn, nil, f.acme)
	}
	rec, err := recordOf(env, crt)
	if err != nil || f.conn.Offline.Enabled {
		return nil, err
	}
	caURL, err := f.conn.URL(nil)
	if err != nil {
		return nil, err
	}
	if rec != nil && !rec.belongsTo(caURL) {
		return newACMEClient(env, &acmeFlags{}, &f.conn, nil, rec.Directory, rec.Roots...)
	}
	provisioner := acmeProvisioner(crt)
	if f.key != "" || rec == nil && provisioner == "" {
		return nil, nil
	}
	c, err := f.conn.Open(cmd.Context(), env, cmd)
	if err != nil {
		return nil, err
	}
	return newACMEClient(env, &acmeFlags{}, &f.conn, c, revocationDirectory(c, rec, provisioner))
}

func revocationDirectory(c *client.Client, rec *acmeRecord, provisioner string) string {
	if rec != nil {
		return rec.Directory
	}
	return acmeDirectory(c, provisioner)
}

// checkACME refuses what ACME has no use for.
func (f *revokeFlags) checkACME(cmd *cobra.Command) error {
	switch {
	case f.conn.Offline.Enabled:
		return cli.IncompatibleFlags("acme", "offline")
	case cmd.Flags().Changed("reason"):
		return errors.New("ACME sends no text of a reason; use the '--reasonCode' flag instead of '--reason'")
	}
	return nil
}
