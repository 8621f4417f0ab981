package provisioner

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/cli/authority"
)

func list(env *cli.Env) *cobra.Command {
	var conn authority.Connection
	cmd := &cobra.Command{
		Use:   "list",
		Short: "list the provisioners",
		Long:  `**step ca provisioner list** prints the provisioners of the authority as a JSON array.`,
		Example: `Print the names of the provisioners:
$ step ca provisioner list | jq -r '.[].name'`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := conn.Open(cmd.Context(), env, cmd)
			if err != nil {
				return err
			}
			all, err := c.Provisioners(cmd.Context())
			if err != nil {
				return fmt.Errorf("error getting the provisioners: %w", err)
			}
			if all == nil {
				all = []json.RawMessage{}
			}
			// As the authority sent them: no field is lost that we do not know.
			compact, err := json.Marshal(all)
			if err != nil {
				return err
			}
			var out bytes.Buffer
			if err := json.Indent(&out, compact, "", "   "); err != nil {
				return err
			}
			out.WriteByte('\n')
			_, err = out.WriteTo(env.Stdout)
			return err
		},
	}
	conn.Define(cmd)
	return cmd
}
