// Command step-ca is an online certificate authority.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"stepca/buildinfo"
	"stepca/server/builtin"
	"stepca/server/command"
)

// The release build sets both with -ldflags "-X main.version=… -X main.date=…".
var version, date string

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return command.Main(ctx, &command.Env{
		Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
		Build:  buildinfo.New(version, date),
		Prompt: prompt(), KMS: builtin.KeyManagers(), Engines: builtin.Engines(),
	}, os.Args[1:])
}
