package main

import (
	"stepca/cli"
	"stepca/cli/context"
)

// commands returns the top-level commands besides those every step has.
func commands() []cli.Command {
	return []cli.Command{
		context.Command,
	}
}
