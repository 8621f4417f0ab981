//go:build unix

package command

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"stepca/server"
)

// reloadOnHangup reloads the server at each SIGHUP, until the function it
// returns is called. Reload logs what becomes of it.
func reloadOnHangup(ctx context.Context, s *server.Server) (stop func()) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range hangup {
			s.Reload(ctx)
		}
	}()
	return func() {
		signal.Stop(hangup)
		close(hangup)
		<-done
	}
}
