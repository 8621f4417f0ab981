// Package ssh has the step ssh commands: SSH certificates for users and hosts
// from a certificate authority, the configuration of OpenSSH that trusts them,
// and what a user or a host does with them afterwards. docs/ssh.md shows them at
// work. The keys of users live in ssh-agent where there is one.
//
// Logging in somewhere is left to OpenSSH.
package ssh

import (
	"github.com/spf13/cobra"

	"stepca/cli"
)

// Command is step ssh.
func Command(env *cli.Env) *cobra.Command {
	return cli.Group("ssh", "create and use SSH certificates",
		`**step ssh** gets SSH certificates for users and hosts from a certificate authority and
configures OpenSSH, so that neither authorized_keys nor known_hosts need a line for
each of them.`,
		certificate(env), checkHost(env), configure(env), fingerprint(env), hosts(env), inspect(env), krl(env), list(env),
		login(env), logout(env), needsRenewal(env), proxyCommand(env), rekey(env), renew(env), revoke(env))
}
