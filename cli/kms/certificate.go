package kms

import (
	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/keyfile"
	"stepca/kms"
)

func certificate(env *cli.Env) *cobra.Command {
	var m manager
	var from string
	var bundle bool
	cmd := &cobra.Command{
		Use:   "certificate <uri>",
		Short: "print or store the certificate of a key",
		Long: `**step kms certificate** prints the certificate that is stored under the name of a key,
or stores one with --import. A key in a TPM takes only certificates that are for it; its
intermediates are stored too.`,
		Example: `Store the certificate of an attestation key:
$ step kms certificate 'tpmkms:name=ak;ak=true' --import ak.crt

Print it:
$ step kms certificate 'tpmkms:name=ak;ak=true'`,
		Args: cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return m.use(cmd.Context(), env, args[0], "", func(engine kms.Engine) error {
				if from != "" {
					storer, err := ability[kms.CertificateStorer](engine, "store certificates")
					if err != nil {
						return err
					}
					chain, err := keyfile.LoadCertificates(from)
					if err != nil {
						return cli.FileError(err)
					}
					return storer.StoreCertificates(cmd.Context(), args[0], chain)
				}
				loader, err := ability[kms.CertificateLoader](engine, "store certificates")
				if err != nil {
					return err
				}
				chain, err := loader.LoadCertificates(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if !bundle {
					chain = chain[:1]
				}
				_, err = env.Stdout.Write(keyfile.EncodeCertificates(chain...))
				return err
			})
		},
	}
	m.define(cmd)
	cmd.Flags().StringVar(&from, "import", "", "store the certificate in this `file`, with its intermediates")
	cmd.Flags().BoolVar(&bundle, "bundle", false, "print the intermediates too")
	return cmd
}
