package server

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"stepca/config"
	"stepca/kv"
	"stepca/kv/mem"
	"stepca/store"
)

// An EngineOpener opens the database of one engine. cmd/step-ca chooses which
// engines are linked in.
type EngineOpener func(ctx context.Context, db *config.DB, log *slog.Logger) (kv.Engine, error)

// openStore opens the configured database. Without one, used tokens are kept in
// memory and nothing else is kept.
func openStore(ctx context.Context, db *config.DB, engines map[string]EngineOpener, log *slog.Logger) (*store.Store, kv.Engine, error) {
	opts := store.Options{Log: log, TokensOnly: db == nil}
	if db == nil {
		log.Warn("no database is configured: certificates are not stored, revocation is not available, and used tokens are forgotten at a restart")
		engine := mem.New()
		return store.New(engine, opts), engine, nil
	}
	keep := db.Retention.WithDefaults()
	opts.Retention = store.Retention{
		Certificates:    period(time.Duration(keep.Certificates)),
		SSHCertificates: period(time.Duration(keep.Certificates)),
		Revocations:     period(time.Duration(keep.Revocations)),
		Orders:          period(time.Duration(keep.Orders)),
		Refusals:        period(time.Duration(keep.Refusals)),
	}
	engine, err := engines[db.Engine()](ctx, db, log) // Check found that it is there
	if err != nil {
		return nil, nil, fmt.Errorf("opening the database (db.type %q): %w", db.Type, oneLine{err})
	}
	return store.New(engine, opts), engine, nil
}

// oneLine is an error whose text, a driver's, may have several.
type oneLine struct{ error }

func (e oneLine) Error() string { return strings.Join(strings.Fields(e.error.Error()), " ") }
func (e oneLine) Unwrap() error { return e.error }

// period translates zero, which the configuration has for "forever".
func period(d time.Duration) time.Duration {
	if d == 0 {
		return store.Forever
	}
	return d
}

// shared reports whether other servers may work on the same database.
func shared(db *config.DB) bool {
	return db != nil && (db.Engine() == config.EnginePostgreSQL || db.Engine() == config.EngineMySQL)
}

// durable reports whether the database outlives the process.
func durable(db *config.DB) bool { return db != nil && db.Engine() != config.EngineMemory }
