// Command step-ca is an online certificate authority.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"stepca/buildinfo"
	"stepca/server/builtin"
	"stepca/server/command"
)

// The release build sets both with -ldflags "-X main.version=… -X main.date=…".
var version, date string

func main() { os.Exit(run()) }

// gcPercent is how much the heap grows before it is collected, in percent of what
// is live: a few MiB, so that Go's default, 100, would collect many times a second
// under load. With 200 the busiest server would have 4 MiB more, and spend 1% less of
// its time.
const gcPercent = 150

// started is when a start is over, normally. It leaves some garbage behind, which
// an idle server would not collect for minutes, nor give back to the system.
const started = 300 * time.Millisecond

func run() int {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	time.AfterFunc(started, debug.FreeOSMemory)
	return command.Main(untilSignal(), &command.Env{
		Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
		Build:  buildinfo.New(version, date),
		Prompt: prompt(), KMS: builtin.KeyManagers(), Engines: builtin.Engines(),
	}, os.Args[1:])
}

// untilSignal returns a context that ends with the first signal that asks the program
// to end. When it does, the second one has its usual effect: it does not wait for
// requests under way.
func untilSignal() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-asked
		signal.Stop(asked)
		cancel()
	}()
	return ctx
}
