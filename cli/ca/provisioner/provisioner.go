// Package provisioner has the step ca provisioner commands, which list the
// provisioners of a certificate authority and change those in its ca.json.
package provisioner

import (
	"github.com/spf13/cobra"

	"stepca/cli"
)

// Command is step ca provisioner.
func Command(env *cli.Env) *cobra.Command {
	return cli.Group("provisioner", "list and change the provisioners of an authority",
		`**step ca provisioner** lists the provisioners of an authority: those who may vouch for
requests. It also adds, changes and removes those in the configuration file of an
authority on this machine.`,
		list(env), jweKey(env), add(env), update(env), remove(env))
}
