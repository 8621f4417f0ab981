package ssh

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"stepca/cli"
)

// Exit codes of step ssh needs-renewal.
const (
	exitNotDue  = 1
	exitNoFile  = 2
	exitUnknown = 255
)

func needsRenewal(env *cli.Env) *cobra.Command {
	var (
		expiresIn string
		verbose   bool
	)
	cmd := &cobra.Command{
		Use:   "needs-renewal [<crt-file>]",
		Short: "check if an SSH certificate needs to be renewed",
		Long: `**step ssh needs-renewal** says by its exit code whether a certificate is due for
renewal: when 66% of its lifetime is over, or as --expires-in says. One that is valid
forever never is.

## POSITIONAL ARGUMENTS
<crt-file>
    A file with a certificate. Standard input by default.

## EXIT CODES
0: the certificate needs renewal.

1: it does not need renewal.

2: the file does not exist.

255: any other error.`,
		Example: `Renew a host certificate when it is due:
$ step ssh needs-renewal ssh_host_ecdsa_key-cert.pub && step ssh renew --force ssh_host_ecdsa_key-cert.pub ssh_host_ecdsa_key

Is less than a day left?
$ step ssh needs-renewal --expires-in 24h ssh_host_ecdsa_key-cert.pub`,
		Args: cli.MaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			threshold, err := cli.ParseRenewalThreshold("expires-in", expiresIn)
			if err != nil {
				return err
			}
			due, err := isDue(env, argument(args), threshold)
			switch {
			case err != nil:
				return err
			case !due:
				if verbose {
					env.Noticef("certificate does not need renewal")
				}
				return &cli.ExitError{Code: exitNotDue}
			case verbose:
				fmt.Fprintln(env.Stdout, "certificate needs renewal")
			}
			return nil
		},
	}
	cli.FailWith(cmd, exitUnknown)
	cmd.Flags().StringVar(&expiresIn, "expires-in", "", "the `percent|duration`: the part of the lifetime that is over (75%), or the time left (24h)")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "print the result in words")
	return cmd
}

func isDue(env *cli.Env, name string, threshold cli.RenewalThreshold) (bool, error) {
	if _, err := os.Stat(name); name != "-" && errors.Is(err, fs.ErrNotExist) {
		return false, &cli.ExitError{Code: exitNoFile, Err: err}
	}
	cert, _, err := loadCertificate(env, name)
	if err != nil {
		return false, err
	}
	before, bounded := certTime(cert.ValidBefore)
	if !bounded {
		return false, nil
	}
	after, _ := certTime(cert.ValidAfter)
	return threshold.Due(after, before, env.Now()), nil
}
