package certificate

import (
	"crypto/x509"
	"slices"

	"github.com/spf13/cobra"

	"stepca/cli"
)

func needsRenewal(env *cli.Env) *cobra.Command {
	var (
		f      cli.RenewalFlags
		remote remoteFlags
		bundle bool
		acme   string
	)
	cmd := &cobra.Command{
		Use:   "needs-renewal <cert-file or hostname>",
		Short: "check if a certificate needs to be renewed",
		Long: `**step certificate needs-renewal** says by its exit code whether a certificate is due
for renewal: when 66% of its lifetime is over, or as --expires-in says. With --acme it is
due when the ACME server that issued it suggests that (RFC 9773); if the server does
not say, at 66%.

## POSITIONAL ARGUMENTS
<cert-file or hostname>
    A file with a certificate, or the URL of a TLS server.

` + cli.RenewalExitCodes,
		Example: `Renew a certificate when it is due:
$ step certificate needs-renewal example.crt && step ca renew --force example.crt example.key

Is less than a day left?
$ step certificate needs-renewal --expires-in 24h https://example.com`,
		Args: cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case acme != "" && cmd.Flags().Changed("expires-in"):
				return cli.MutuallyExclusive("acme", "expires-in")
			case acme != "" && bundle:
				return cli.MutuallyExclusive("acme", "bundle")
			}
			threshold, err := f.Threshold()
			if err != nil {
				return err
			}
			if _, ok, _ := remoteAddress(args[0]); !ok { // a bad URL is reported when it is used
				if err := f.MustExist(args[0]); err != nil {
					return err
				}
			}
			certs, err := loadCertificates(cmd.Context(), env, &remote, args[0])
			if err != nil {
				return err
			}
			if !bundle {
				certs = certs[:1]
			}
			if acme != "" {
				due, known, err := remote.suggestedDue(cmd.Context(), env, acme, certs[0])
				if err != nil {
					return err
				}
				if known {
					return f.Answer(env, due)
				}
			}
			return f.Answer(env, slices.ContainsFunc(certs, func(cert *x509.Certificate) bool {
				return threshold.Due(cert.NotBefore, cert.NotAfter, env.Now())
			}))
		},
	}
	f.Define(cmd)
	cmd.Flags().StringVar(&acme, "acme", "", "the `URL` of the directory of the ACME server that issued the certificate, which is asked")
	cli.OnlyCommandLine(cmd, "acme")
	cmd.Flags().BoolVar(&bundle, "bundle", false, "check all certificates of the file or server")
	remote.define(cmd)
	return cmd
}
