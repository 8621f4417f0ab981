// Package builtin names the databases and key managers that the programs of this
// project are linked with. Who embeds a CA in a program of their own names
// theirs instead, and links nothing else.
package builtin

import (
	"context"
	"log/slog"

	"stepca/config"
	"stepca/kms"
	"stepca/kms/soft"
	"stepca/kms/tpm"
	"stepca/kv"
	"stepca/kv/badger"
	"stepca/kv/bolt"
	"stepca/kv/mem"
	"stepca/kv/pebble"
	"stepca/kv/sql"
	"stepca/server"
)

// Engines returns the databases, by the name of their engine.
func Engines() map[string]server.EngineOpener {
	return map[string]server.EngineOpener{
		config.EnginePebble: func(ctx context.Context, db *config.DB, log *slog.Logger) (kv.Engine, error) {
			return pebble.Open(ctx, pebble.Options{Dir: db.DataSource, Log: log})
		},
		config.EngineBadger: func(ctx context.Context, db *config.DB, log *slog.Logger) (kv.Engine, error) {
			return badger.Open(ctx, badger.Options{Dir: db.DataSource, ValueDir: db.ValueDir, FileLoadingMode: db.FileMode, Log: log})
		},
		config.EngineBbolt: func(ctx context.Context, db *config.DB, _ *slog.Logger) (kv.Engine, error) {
			return bolt.Open(ctx, bolt.Options{Path: db.DataSource})
		},
		config.EnginePostgreSQL: func(ctx context.Context, db *config.DB, _ *slog.Logger) (kv.Engine, error) {
			return sql.OpenPostgreSQL(ctx, sql.Options{DSN: db.DataSource, Database: db.Database})
		},
		config.EngineMySQL: func(ctx context.Context, db *config.DB, _ *slog.Logger) (kv.Engine, error) {
			return sql.OpenMySQL(ctx, sql.Options{DSN: db.DataSource, Database: db.Database})
		},
		config.EngineMemory: func(context.Context, *config.DB, *slog.Logger) (kv.Engine, error) {
			return mem.New(), nil
		},
	}
}

// KeyManagers returns the key managers, by type.
func KeyManagers() kms.Registry { return kms.Registry{kms.Soft: soft.Open, kms.TPM: tpm.Open} }
