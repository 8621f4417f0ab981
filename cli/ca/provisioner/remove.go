package provisioner

import (
	"fmt"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/config"
)

func remove(env *cli.Env) *cobra.Command {
	var e edit
	cmd := &cobra.Command{
		Use:   "remove <name>",
		Short: "remove a provisioner",
		Long: `**step ca provisioner remove** removes a provisioner from the configuration file of an
authority on this machine. Its certificates cannot be renewed any more after the
authority was restarted or got SIGHUP.`,
		Example: `Remove a provisioner:
$ step ca provisioner remove you@example.com`,
		Args: cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.run(cmd.Context(), env, func(cfg *config.Config) error {
				if err := cfg.Authority.RemoveProvisioner(args[0]); err != nil {
					return fmt.Errorf("error loading provisioner: %w", err)
				}
				return nil
			})
		},
	}
	e.define(cmd)
	return cmd
}
