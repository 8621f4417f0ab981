package certificate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"crypto/x509"

	"github.com/spf13/cobra"

	"stepca/cli"
)

// Exit codes of step certificate needs-renewal, and step ssh needs-renewal.
const (
	exitNotDue  = 1
	exitNoFile  = 2
	exitUnknown = 255
)

func needsRenewal(env *cli.Env) *cobra.Command {
	var (
		remote          remoteFlags
		expiresIn       string
		bundle, verbose bool
	)
	cmd := &cobra.Command{
		Use:   "needs-renewal <cert-file or hostname>",
		Short: "check if a certificate needs to be renewed",
		Long: `**step certificate needs-renewal** says by its exit code whether a certificate is due
for renewal: when 66% of its lifetime is over, or as --expires-in says.

## POSITIONAL ARGUMENTS
<cert-file or hostname>
    A file with a certificate, or the URL of a TLS server.

## EXIT CODES
0: the certificate needs renewal.

1: it does not need renewal.

2: the file does not exist.

255: any other error.`,
		Example: `Renew a certificate when it is due:
$ step certificate needs-renewal example.crt && step ca renew --force example.crt example.key

Is less than a day left?
$ step certificate needs-renewal --expires-in 24h https://example.com`,
		Args: cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			threshold, err := cli.ParseRenewalThreshold("expires-in", expiresIn)
			if err != nil {
				return err
			}
			if err := mustExist(args[0]); err != nil {
				return err
			}
			certs, err := loadCertificates(cmd.Context(), env, &remote, args[0])
			if err != nil {
				return err
			}
			if !bundle {
				certs = certs[:1]
			}
			due := slices.ContainsFunc(certs, func(cert *x509.Certificate) bool {
				return threshold.Due(cert.NotBefore, cert.NotAfter, env.Now())
			})
			if due {
				if verbose {
					fmt.Fprintln(env.Stdout, "certificate needs renewal")
				}
				return nil
			}
			if verbose {
				env.Noticef("certificate does not need renewal")
			}
			return &cli.ExitError{Code: exitNotDue}
		},
	}
	cli.FailWith(cmd, exitUnknown)
	cmd.Flags().StringVar(&expiresIn, "expires-in", "", "the `percent|duration`: the part of the lifetime that is over (75%), or the time left (24h)")
	cmd.Flags().BoolVar(&bundle, "bundle", false, "check all certificates of the file or server")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "print the result in words")
	remote.define(cmd)
	return cmd
}

// mustExist gives a missing file its own exit code.
func mustExist(name string) error {
	if _, ok, _ := remoteAddress(name); ok || name == "-" {
		return nil // a bad URL is reported when it is used
	}
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return &cli.ExitError{Code: exitNoFile, Err: err}
	}
	return nil
}
