package certificate

import (
	"crypto/x509"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/keyfile"
)

func bundle(env *cli.Env) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "bundle <crt-file> <ca> <bundle-file>",
		Short: "write a certificate and its issuer into one file",
		Long: `**step certificate bundle** writes the certificates of two files into one, as servers
want them: the certificate first, then its intermediates.

## POSITIONAL ARGUMENTS
<crt-file>
    The file with the certificate.

<ca>
    The file with the certificate of its issuer.

<bundle-file>
    The file for both.`,
		Example: `Bundle a certificate with the intermediate that issued it:
$ step certificate bundle foo.crt intermediate.crt foo-bundle.crt`,
		Args: cli.ExactArgs(3),
		RunE: func(_ *cobra.Command, args []string) error {
			var all []*x509.Certificate
			for _, name := range args[:2] {
				certs, err := keyfile.LoadCertificates(name)
				if err != nil {
					return fmt.Errorf("could not parse certificate file '%s': %w", name, err)
				}
				for _, cert := range certs {
					if !slices.ContainsFunc(all, cert.Equal) { // the first may be a bundle already
						all = append(all, cert)
					}
				}
			}
			if err := env.WriteFile(args[2], keyfile.EncodeCertificates(all...), 0o600, force); err != nil {
				return err
			}
			env.Noticef("Your certificate has been saved in %s.", args[2])
			return nil
		},
	}
	cli.Force(cmd, &force)
	return cmd
}
