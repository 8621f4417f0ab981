package ssh

import (
	"github.com/spf13/cobra"

	"stepca/cli/authority"
)

// defineConnection defines the flags that say which CA to talk to, for a command
// without passwords of its own.
func defineConnection(cmd *cobra.Command, conn *authority.Connection) {
	conn.Define(cmd)
	passwordFile := new(string)
	cmd.Flags().StringVar(passwordFile, "password-file", "", "with --offline, a `file` with the password of the authority's keys")
	conn.DefineOffline(cmd, passwordFile)
}
