// Package certificate has the step certificate commands, which create, read and
// check X.509 certificates and requests on this machine. What needs a running
// certificate authority is in cli/ca. The step crl command is here too.
package certificate

import (
	"github.com/spf13/cobra"

	"stepca/cli"
)

// Command is step certificate.
func Command(env *cli.Env) *cobra.Command {
	return cli.Group("certificate", "create, inspect, check and install X.509 certificates",
		`**step certificate** creates, signs, inspects, checks and installs X.509 certificates
and certificate requests, without a certificate authority.`,
		bundle(env), create(env), fingerprint(env), format(env), inspect(env), install(env),
		key(env), lint(env), needsRenewal(env), p12(env), sign(env), uninstall(env), verify(env))
}
