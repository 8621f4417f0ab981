package ssh

import (
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"stepca/cli"
)

func needsRenewal(env *cli.Env) *cobra.Command {
	var f cli.RenewalFlags
	cmd := &cobra.Command{
		Use:   "needs-renewal [<crt-file>]",
		Short: "check if an SSH certificate needs to be renewed",
		Long: `**step ssh needs-renewal** says by its exit code whether a certificate is due for
renewal: when 66% of its lifetime is over, or as --expires-in says. One that is valid
forever never is.

## POSITIONAL ARGUMENTS
<crt-file>
    A file with a certificate. Standard input by default.

` + cli.RenewalExitCodes,
		Example: `Renew a host certificate when it is due:
$ step ssh needs-renewal ssh_host_ecdsa_key-cert.pub && step ssh renew --force ssh_host_ecdsa_key-cert.pub ssh_host_ecdsa_key

Is less than a day left?
$ step ssh needs-renewal --expires-in 24h ssh_host_ecdsa_key-cert.pub`,
		Args: cli.MaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			threshold, err := f.Threshold()
			if err != nil {
				return err
			}
			name := argument(args)
			if err := f.MustExist(name); err != nil {
				return err
			}
			cert, _, err := loadCertificate(env, name)
			if err != nil {
				return err
			}
			return f.Answer(env, isDue(cert, threshold, env.Now()))
		},
	}
	f.Define(cmd)
	return cmd
}

// isDue is false for a certificate that is valid forever.
func isDue(cert *ssh.Certificate, threshold cli.RenewalThreshold, now time.Time) bool {
	before, bounded := certTime(cert.ValidBefore)
	after, _ := certTime(cert.ValidAfter)
	return bounded && threshold.Due(after, before, now)
}
