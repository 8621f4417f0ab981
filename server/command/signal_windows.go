package command

import (
	"context"
	"os"

	"stepca/server"
)

// hangups returns nothing to wait for.
func hangups() chan os.Signal { return nil }

// reloadOnHangup does nothing: Windows has no such signal. Restart the service
// to take a new configuration into use.
func reloadOnHangup(context.Context, chan os.Signal, *server.Server) (stop func()) { return func() {} }
