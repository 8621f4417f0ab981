package ca

import (
	"github.com/spf13/cobra"

	"stepca/cli"
)

// check refuses flags that do not go together.
func (f *tokenFlags) check(cmd *cobra.Command) error {
	hasSANs, hasPrincipals := len(f.sans) > 0, len(f.principals) > 0
	for _, c := range []struct {
		wrong bool
		err   error
	}{
		{f.ssh && hasSANs, cli.IncompatibleFlags("ssh", "san")},
		{f.host && hasSANs, cli.IncompatibleFlags("host", "san")},
		{hasPrincipals && hasSANs, cli.IncompatibleFlags("principal", "san")},
		{f.host && !f.ssh, cli.RequiredWithFlag("host", "ssh")},
		{hasPrincipals && !f.ssh, cli.RequiredWithFlag("principal", "ssh")},
		{f.rekey && !f.ssh, cli.RequiredWithFlag("rekey", "ssh")},
		{f.cnf != "" && f.cnfFile != "", cli.MutuallyExclusive("cnf", "cnf-file")},
		{hasSANs && f.revoke, cli.IncompatibleFlags("san", "revoke")},
		{cli.Given(cmd, "cert-not-before") && !f.ssh, cli.RequiredWithFlag("cert-not-before", "ssh")},
		{cli.Given(cmd, "cert-not-after") && !f.ssh, cli.RequiredWithFlag("cert-not-after", "ssh")},
	} {
		if c.wrong {
			return c.err
		}
	}
	return f.checkPurpose(cmd)
}

// checkPurpose refuses flags that say what is in a new certificate if the token is
// not for one.
func (f *tokenFlags) checkPurpose(cmd *cobra.Command) error {
	var purpose string
	switch {
	case f.revoke:
		purpose = "revoke"
	case f.renew:
		purpose = "renew"
	case f.rekey:
		purpose = "rekey"
	default:
		return nil
	}
	for _, name := range []string{"san", "cnf", "cnf-file", "set", "set-file", "cert-not-before", "cert-not-after"} {
		if cli.Given(cmd, name) {
			return cli.IncompatibleFlags(name, purpose)
		}
	}
	return nil
}
