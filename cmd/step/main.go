// Command step works with certificates and keys, and is the client of step-ca.
package main

import (
	"os"

	"stepca/cli"
)

// The release build sets both with -ldflags "-X main.version=… -X main.date=…".
var version, date string

func main() {
	os.Exit(cli.Main(cli.Build{Version: version, Date: date}, commands()...))
}
