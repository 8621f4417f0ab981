// Package context has the step context commands, which list, choose and remove
// the contexts that package config keeps.
package context

import (
	"github.com/spf13/cobra"

	"stepca/cli"
)

// Command is step context.
func Command(env *cli.Env) *cobra.Command {
	return cli.Group("context", "manage the contexts of step",
		`**step context** manages contexts. A context names the directory of an authority and
that of a profile; with one context for each authority a user can work with several.
Contexts are created by **step ca init** and **step ca bootstrap**.`,
		current(env), list(env), remove(env), choose(env))
}
