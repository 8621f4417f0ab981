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
)

// retryPeriod is how long a daemon waits after a failure.
const retryPeriod = time.Minute

// maxSleep bounds how long a daemon sleeps: timers stand still while a machine
// is suspended, and certificates age on.
const maxSleep = 5 * time.Minute

// runDaemon renews the certificate whenever it is due, or at once after SIGHUP,
// until SIGINT or SIGTERM.
func (r *renewal) runDaemon(ctx context.Context, env *cli.Env, src *source, crt *tls.Certificate, when schedule) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)

	log := logger{env}
	next := r.planned(ctx, env, src, crt, when, plan{}, log)
	log.info("first renewal in %v", next.wait(env.Now()).Round(time.Second))
	for {
		woken := sleep(ctx, env, hangup, next.sleep(env.Now()))
		if woken == stopped {
			return nil
		}
		if woken == elapsed && env.Now().Before(next.at) {
			before := next
			if next = r.planned(ctx, env, src, crt, when, before, log); !next.at.Equal(before.at) {
				log.info("next in %v, as the authority suggests", next.wait(env.Now()).Round(time.Second))
			}
			continue
		}
		renewed, err := r.replacer.replace(ctx, env, src, crt)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			log.error("%v", err)
			next = plan{at: env.Now().Add(retryPeriod)}
			continue
		}
		crt = renewed
		next = r.replanned(ctx, env, src, crt, when, log)
		log.info("%s certificate %s, next in %v", crt.Leaf.Subject.CommonName, r.done, next.wait(env.Now()).Round(time.Second))
		if err := r.hooks.run(ctx, env); err != nil && ctx.Err() == nil {
			log.error("%v", err)
		}
	}
}

// Why sleep returned.
type wakeup int

const (
	stopped wakeup = iota // the daemon is to end
	elapsed               // the time is over
	hungUp                // SIGHUP: it is to act at once
)

// sleep waits, by the clock of env, and returns early when hangup is signalled or
// ctx is done.
func sleep(ctx context.Context, env *cli.Env, hangup <-chan os.Signal, wait time.Duration) wakeup {
	end := env.Now().Round(0).Add(wait) // the wall clock goes on while we are suspended
	for {
		timer := time.NewTimer(min(end.Sub(env.Now().Round(0)), maxSleep))
		select {
		case <-ctx.Done():
			timer.Stop()
			return stopped
		case <-hangup:
			timer.Stop()
			return hungUp
		case <-timer.C:
			if !env.Now().Round(0).Before(end) {
				return elapsed
			}
		}
	}
}

// A logger writes lines as log.Logger does.
type logger struct{ env *cli.Env }

func (l logger) info(format string, args ...any)  { l.line(l.env.Stdout, "INFO", format, args) }
func (l logger) error(format string, args ...any) { l.line(l.env.Stderr, "ERROR", format, args) }

func (l logger) line(w io.Writer, level, format string, args []any) {
	fmt.Fprintf(w, "%s: %s %s\n", level, l.env.Now().Format("2006/01/02 15:04:05"), fmt.Sprintf(format, args...))
}
