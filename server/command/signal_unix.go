//go:build unix

package command

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"stepca/server"
)

// hangups returns the SIGHUPs from now on. One that comes while the server starts
// waits; without this it would end the process.
func hangups() chan os.Signal {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, syscall.SIGHUP)
	return ch
}

// reloadOnHangup reloads the server at each SIGHUP, until the function it
// returns is called. Reload logs what becomes of it.
func reloadOnHangup(ctx context.Context, ch chan os.Signal, s *server.Server) (stop func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range ch {
			s.Reload(ctx)
		}
	}()
	return func() {
		signal.Stop(ch)
		close(ch)
		<-done
	}
}
