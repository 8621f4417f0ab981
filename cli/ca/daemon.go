package ca

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"stepca/cli"
	"stepca/client"
)

// retryPeriod is how long a daemon waits after a failure.
const retryPeriod = time.Minute

// maxSleep bounds how long a daemon sleeps: timers stand still while a machine
// is suspended, and certificates age on.
const maxSleep = 5 * time.Minute

// runDaemon renews the certificate whenever it is due, or at once after SIGHUP,
// until SIGINT or SIGTERM.
func (r *renewal) runDaemon(ctx context.Context, env *cli.Env, c *client.Client, crt *tls.Certificate, when schedule) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	now := make(chan os.Signal, 1)
	signal.Notify(now, syscall.SIGHUP)
	defer signal.Stop(now)

	wait := when.nextFor(crt, env.Now())
	logLine(env.Stdout, env, "INFO", "first renewal in %v", wait.Round(time.Second))
	for {
		if !sleep(ctx, env, now, wait) {
			return nil
		}
		next, err := r.act(ctx, c, crt)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			logLine(env.Stderr, env, "ERROR", "%v", err)
			wait = retryPeriod
			continue
		}
		crt = next
		wait = when.nextFor(crt, env.Now())
		logLine(env.Stdout, env, "INFO", "%s certificate %s, next in %v", crt.Leaf.Subject.CommonName, r.done, wait.Round(time.Second))
		if err := r.hooks.run(ctx, env); err != nil && ctx.Err() == nil {
			logLine(env.Stderr, env, "ERROR", "%v", err)
		}
	}
}

// nextFor is next for a certificate.
func (s schedule) nextFor(crt *tls.Certificate, now time.Time) time.Duration {
	return s.next(crt.Leaf.NotAfter.Sub(now), crt.Leaf.NotAfter.Sub(crt.Leaf.NotBefore), random)
}

// sleep waits, by the clock of env, and returns early when now is signalled. It
// reports false when ctx is done.
func sleep(ctx context.Context, env *cli.Env, now <-chan os.Signal, wait time.Duration) bool {
	end := env.Now().Round(0).Add(wait) // the wall clock goes on while we are suspended
	for {
		timer := time.NewTimer(min(end.Sub(env.Now().Round(0)), maxSleep))
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-now:
			timer.Stop()
			return true
		case <-timer.C:
			if !env.Now().Round(0).Before(end) {
				return true
			}
		}
	}
}

// logLine writes a line as log.Logger does.
func logLine(w io.Writer, env *cli.Env, level, format string, args ...any) {
	fmt.Fprintf(w, "%s: %s %s\n", level, env.Now().Format("2006/01/02 15:04:05"), fmt.Sprintf(format, args...))
}
