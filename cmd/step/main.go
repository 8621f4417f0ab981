// Command step works with certificates and keys, and is the client of step-ca.
package main

import (
	"os"

	"stepca/buildinfo"
	"stepca/cli"
)

// The release build sets both with -ldflags "-X main.version=… -X main.date=…".
var version, date string

func main() {
	os.Exit(cli.Main(buildinfo.New(version, date), commands()...))
}
