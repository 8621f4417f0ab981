// Command step works with certificates and keys, and is the client of step-ca.
package main

import (
	"context"
	"os"

	"stepca/buildinfo"
	"stepca/cli"
	"stepca/server/builtin"
)

// The release build sets both with -ldflags "-X main.version=… -X main.date=…".
var version, date string

func main() {
	env := cli.NewEnv(buildinfo.New(version, date))
	env.OpenOffline = openOffline
	env.OpenRecords = openRecords
	env.KMS = builtin.KeyManagers()
	os.Exit(cli.Run(context.Background(), env, os.Args[1:], commands()...))
}
