package command

import (
	"context"

	"stepca/server"
)

// reloadOnHangup does nothing: Windows has no such signal. Restart the service
// to take a new configuration into use.
func reloadOnHangup(context.Context, *server.Server) (stop func()) { return func() {} }
