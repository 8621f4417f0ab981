package ca

import (
	"github.com/spf13/cobra"

	"stepca/cli"
)

func initialize(env *cli.Env) *cobra.Command { return &cobra.Command{Use: "init"} }
