package ca

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/cli/authority"
	"stepca/client"
	"stepca/keyfile"
)

// certificateFlags are those of step ca certificate.
type certificateFlags struct {
	issuance
	sans   []string
	key    cli.KeyFlags
	attest attestFlags

	subject, crtFile string // arguments
	keyFile          string // an argument that may be missing with --attestation-uri
}

func certificate(env *cli.Env) *cobra.Command {
	var f certificateFlags
	cmd := &cobra.Command{
		Use:   "certificate <subject> <crt-file> <key-file>",
		Short: "make a private key and get a certificate for it",
		Long: `**step ca certificate** makes a private key, gets a certificate for the subject, and
writes both to files. The key is not encrypted. The certificate file holds the chain
that a server presents: the certificate first, then the intermediates.

An ACME provisioner, or with --acme any ACME server, wants each name to be proved: by a
web server of our own on port 80, or as --webroot, --tls-alpn or --dns-hook say.

With --attestation-uri the key is one that a device keeps, such as the TPM of this
machine, and is made if it is not there. The device attests it to an ACME server, the
subject is the permanent identifier of the device, and <key-file> is left out.`,
		Example: `Get a certificate:
$ step ca certificate internal.example.com internal.crt internal.key

Get one for several names, for an hour:
$ step ca certificate internal.example.com internal.crt internal.key --san internal.example.com --san 10.0.0.7 --not-after 1h

Get one with a token that somebody else made:
$ step ca certificate --token $TOKEN internal.example.com internal.crt internal.key

Get one without a terminal:
$ step ca certificate internal.example.com internal.crt internal.key --provisioner admin --provisioner-password-file password.txt --force

Get one by ACME, proved by the web server that is there, and one for a wildcard:
$ step ca certificate www.example.com www.crt www.key --provisioner acme --webroot /var/www/html
$ step ca certificate '*.example.com' wild.crt wild.key --acme https://acme.example.com/directory --dns-hook ./hook.sh

Get one for a key in the TPM of this machine, which attests it to an ACME provisioner:
$ step ca certificate laptop-17 laptop.crt --provisioner devices --attestation-uri tpmkms:name=laptop`,
		Args: cli.RangeArgs(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.subject, f.crtFile = args[0], args[1]
			if len(args) == 3 {
				f.keyFile = args[2]
			}
			return errors.Join(f.run(env, cmd), f.conn.Close())
		},
	}
	f.define(cmd)
	cmd.Flags().StringArrayVar(&f.sans, "san", nil, "a `name` that the certificate shall have, repeatable; the default is the subject")
	f.key.Define(cmd)
	f.acme.define(cmd)
	f.attest.define(cmd)
	return cmd
}

func (f *certificateFlags) run(env *cli.Env, cmd *cobra.Command) error {
	if f.crtFile == f.keyFile {
		return cli.EqualArgs(cmd, "crt-file", "key-file")
	}
	if err := f.attest.check(cmd, f.keyFile); err != nil {
		return err
	}
	spec, err := f.key.Spec(false)
	if err != nil {
		return err
	}
	if _, _, err := authority.Validity(&f.validity); err != nil {
		return err
	}
	// Before a token is made, which would be spent in vain.
	files := []string{f.crtFile, f.keyFile}
	if f.attest.uri != "" {
		files = files[:1]
	}
	if err := env.MayWriteAll(f.force, files...); err != nil {
		return err
	}
	g, err := f.authorize(env, cmd, f.subject, f.sans, "")
	if err != nil {
		return err
	}
	if f.attest.uri != "" {
		return f.attestedCertificate(cmd.Context(), env, g, spec)
	}
	return f.newPair(cmd.Context(), env, g, spec)
}

// newPair makes a key, gets a certificate for it, and writes both.
func (f *certificateFlags) newPair(ctx context.Context, env *cli.Env, g *grant, spec keyfile.KeySpec) error {
	commonName, sans, err := f.names(g)
	if err != nil {
		return err
	}
	key, err := keyfile.Generate(spec)
	if err != nil {
		return err
	}
	csr, err := client.NewCSR(key, commonName, sans)
	if err != nil {
		return err
	}
	chain, err := f.obtain(ctx, env, g, csr)
	if err != nil {
		return err
	}
	if err := writePair(f.keyFile, key, f.crtFile, keyfile.EncodeCertificates(chain...)); err != nil {
		return err
	}
	env.Selected("Certificate", f.crtFile)
	env.Selected("Private Key", f.keyFile)
	return nil
}
