package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"stepca/cli"
	"stepca/config"
	"stepca/kv"
	"stepca/server"
	"stepca/server/builtin"
)

// openOffline is cli.Env.OpenOffline: the same authority that step-ca serves.
func openOffline(ctx context.Context, env *cli.Env, opts cli.OfflineOptions) (cli.OfflineCA, error) {
	options, log := offlineOptions(env, opts)
	options.Engines = offlineEngines()
	ca, err := server.OpenOffline(ctx, options, log)
	if err != nil {
		return nil, err
	}
	return ca, nil
}

// openRecords is cli.Env.OpenRecords.
func openRecords(ctx context.Context, env *cli.Env, opts cli.OfflineOptions) (io.Closer, error) {
	options, log := offlineOptions(env, opts)
	options.Engines = builtin.Engines()
	return server.OpenRecords(ctx, options, log)
}

// offlineOptions are those of an authority in this process, but for its databases.
// Warnings of its log are shown, and with STEPDEBUG=1 all of it and the access
// log, which says why a request was refused.
func offlineOptions(env *cli.Env, opts cli.OfflineOptions) (server.Options, *slog.Logger) {
	options := server.Options{
		ConfigFile: opts.ConfigFile,
		StepPath:   env.Path.Dir(),
		Version:    env.Build.Version,
		Password:   opts.Password,
		Prompt:     opts.Prompt,
		Getenv:     env.Getenv,
		KMS:        builtin.KeyManagers(),

		SSHHostPassword: opts.SSHHostPassword,
		SSHUserPassword: opts.SSHUserPassword,
	}
	level := slog.LevelWarn
	if env.Debug() {
		level, options.Stderr = slog.LevelDebug, env.Stderr
	}
	return options, slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: level}))
}

// offlineEngines are the databases, with errors for whoever has a running server.
func offlineEngines() map[string]server.EngineOpener {
	engines := builtin.Engines()
	for name, open := range engines {
		engines[name] = func(ctx context.Context, db *config.DB, log *slog.Logger) (kv.Engine, error) {
			engine, err := open(ctx, db, log)
			if err != nil {
				return nil, fmt.Errorf("%w; while the server runs, leave out the '--offline' flag", err)
			}
			return engine, nil
		}
	}
	return engines
}
