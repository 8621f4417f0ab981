package ca

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	nouns "stepca/ca"
	"stepca/cli"
	"stepca/cli/authority"
	"stepca/keyfile"
)

// signFlags are those of step ca sign.
type signFlags struct{ issuance }

func sign(env *cli.Env) *cobra.Command {
	var f signFlags
	cmd := &cobra.Command{
		Use:   "sign <csr-file> <crt-file>",
		Short: "get a certificate for a certificate request",
		Long: `**step ca sign** sends a certificate request to the authority, and writes the certificate
with its intermediates to a file. With an ACME provisioner, or with --acme any ACME
server, the names in the request are proved as step ca certificate does it.`,
		Example: `Get a certificate for a request:
$ step ca sign internal.csr internal.crt

Get one by ACME, proved by the web server that is there:
$ step ca sign www.csr www.crt --provisioner acme --webroot /var/www/html`,
		Args: cli.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return errors.Join(f.run(env, cmd, args[0], args[1]), f.conn.Close())
		},
	}
	f.define(cmd)
	f.acme.define(cmd)
	return cmd
}

func (f *signFlags) run(env *cli.Env, cmd *cobra.Command, csrFile, crtFile string) error {
	if _, _, err := authority.Validity(&f.validity); err != nil {
		return err
	}
	data, err := env.ReadFile(csrFile)
	if err != nil {
		return err
	}
	csr, err := keyfile.ParseCertificateRequest(csrFile, data)
	if err != nil {
		return err
	}
	if err := csr.CheckSignature(); err != nil {
		return fmt.Errorf("csr has invalid signature: %w", err)
	}
	if err := env.MayWrite(crtFile, f.force); err != nil {
		return err
	}
	g, err := f.authorize(env, cmd, csr.Subject.CommonName, requestNames(csr), requestFingerprint(csr.Raw))
	if err != nil {
		return err
	}
	switch g.kind {
	case nouns.TypeJWK, nouns.TypeX5C, nouns.TypeNebula:
		if !strings.EqualFold(g.claims.Subject, csr.Subject.CommonName) {
			return fmt.Errorf("token subject '%s' and CSR CommonName '%s' do not match", g.claims.Subject, csr.Subject.CommonName)
		}
	}
	chain, err := f.obtain(cmd.Context(), env, g, csr)
	if err != nil {
		return err
	}
	return saveCertificate(env, crtFile, chain)
}
