package command

import (
	"errors"

	"github.com/spf13/cobra"
)

// exportCommand and onboardCommand are the reference's; what they need is not
// here, and saying so beats an unknown command.
func exportCommand(*Env) *cobra.Command {
	return &cobra.Command{
		Use:    "export <config>",
		Short:  "print the configuration and its files for a hosted authority (not available)",
		Hidden: true,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("step-ca export prepares a configuration for a hosted service, which this project does not have; ca.json and the files it names are all there is to copy")
		},
	}
}

func onboardCommand(*Env) *cobra.Command {
	return &cobra.Command{
		Use:    "onboard <token>",
		Short:  "configure the CA from a hosted service (not available)",
		Hidden: true,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("step-ca onboard needs a hosted service, which this project does not have; create a CA with `step ca init`")
		},
	}
}
