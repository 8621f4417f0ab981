package main

import (
	"context"
	"log/slog"

	"stepca/config"
	"stepca/kms"
	"stepca/kms/soft"
	"stepca/kv"
	"stepca/kv/badger"
	"stepca/kv/bolt"
	"stepca/kv/mem"
	"stepca/kv/pebble"
	"stepca/kv/sql"
	"stepca/server"
)

// engines are the databases that this program has.
func engines() map[string]server.EngineOpener {
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
		config.EnginePostgreSQL: func(ctx context.Context, db *config.DB, log *slog.Logger) (kv.Engine, error) {
			return sql.OpenPostgreSQL(ctx, sql.Options{DSN: db.DataSource, Database: db.Database})
		},
		config.EngineMySQL: func(ctx context.Context, db *config.DB, log *slog.Logger) (kv.Engine, error) {
			return sql.OpenMySQL(ctx, sql.Options{DSN: db.DataSource, Database: db.Database})
		},
		config.EngineMemory: func(context.Context, *config.DB, *slog.Logger) (kv.Engine, error) {
			return mem.New(), nil
		},
	}
}

// keyManagers are the key managers that this program has.
func keyManagers() kms.Registry { return kms.Registry{kms.Soft: soft.Open} }
