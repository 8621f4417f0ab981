// Package ca has the step ca commands, the client side of a certificate
// authority: to set one up, to trust it, and to get, renew and revoke X.509
// certificates. What they share with step ssh is in cli/authority.
package ca

import (
	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/cli/ca/provisioner"
)

// Command is step ca.
func Command(env *cli.Env) *cobra.Command {
	return cli.Group("ca", "set up and use a certificate authority",
		`**step ca** initializes a certificate authority, makes this machine trust one, and
gets certificates from it.`,
		health(env), initialize(env), bootstrap(env), token(env), certificate(env), rekey(env),
		renew(env), revoke(env), provisioner.Command(env), sign(env), root(env), roots(env), federation(env),
		acmeCommand(env))
}
