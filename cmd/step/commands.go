package main

import (
	"stepca/cli"
	"stepca/cli/base64"
	"stepca/cli/ca"
	"stepca/cli/certificate"
	"stepca/cli/context"
	"stepca/cli/fileserver"
	"stepca/cli/kms"
	"stepca/cli/ssh"
)

// commands returns the top-level commands besides those every step has.
func commands() []cli.Command {
	return []cli.Command{
		base64.Command,
		ca.Command,
		certificate.Command,
		certificate.CRLCommand,
		context.Command,
		fileserver.Command,
		kms.Command,
		ssh.Command,
	}
}
