package ssh

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"stepca/api"
	"stepca/cli"
	"stepca/cli/authority"
)

func hosts(env *cli.Env) *cobra.Command {
	var conn authority.Connection
	cmd := &cobra.Command{
		Use:   "hosts",
		Short: "list the hosts that have a certificate",
		Long: `**step ssh hosts** lists the names of the hosts that have a valid certificate.

The flags --set, --set-file and --console are accepted for the sake of scripts, and
have no effect.`,
		Example: `List the hosts:
$ step ssh hosts`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			defer conn.Close()
			c, err := conn.Open(cmd.Context(), env, cmd)
			if err != nil {
				return err
			}
			list, err := withIdentity(env, c).SSHHosts(cmd.Context())
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(env.Stdout, 0, 8, 1, '\t', 0)
			fmt.Fprintln(w, "HOSTNAME\tID\tTAGS")
			for _, host := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\n", printable(host.Hostname), printable(host.HostID), tags(host.HostTags))
			}
			return w.Flush()
		},
	}
	defineConnection(cmd, &conn)
	cli.Unused(cmd, "set=", "set-file=", "console")
	return cmd
}

func tags(list []api.SSHHostTag) string {
	words := make([]string, len(list))
	for i, tag := range list {
		words[i] = printable(tag.Name + "=" + tag.Value)
	}
	return strings.Join(words, ",")
}
