package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// SQLSTATE codes (PostgreSQL manual, appendix A).
const (
	pgUniqueViolation      = "23505"
	pgSerializationFailure = "40001"
	pgDeadlockDetected     = "40P01"
	pgLockNotAvailable     = "55P03"
	pgUnknownDatabase      = "3D000"
	pgDuplicateDatabase    = "42P04"
	pgDuplicateTable       = "42P07"
	pgDuplicateObject      = "42710"
	pgInternalError        = "XX000"
	pgAdminShutdown        = "57P01"
	pgCrashShutdown        = "57P02"
	pgCannotConnectNow     = "57P03"
)

// OpenPostgreSQL opens the store in a PostgreSQL database, creating the database
// and its tables if they are missing. kv.ErrForeign if it holds the tables of
// another CA.
func OpenPostgreSQL(ctx context.Context, opts Options) (*Engine, error) {
	opts.setDefaults()
	config, err := pgx.ParseConfig(opts.DSN)
	if err != nil {
		return nil, fmt.Errorf("dataSource of the PostgreSQL database cannot be parsed: %w", withoutDSN(err))
	}
	if opts.Database != "" {
		config.Database = opts.Database
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	if err := ensurePostgreSQL(ctx, config); err != nil {
		return nil, fmt.Errorf("connecting to PostgreSQL at %s: %w", config.Host, err)
	}
	// Statements that hang end by themselves, and free what they lock. Set after
	// connecting, for connection poolers refuse unknown start-up parameters.
	limits := fmt.Sprintf("SET statement_timeout = %d; SET lock_timeout = %d; SET idle_in_transaction_session_timeout = %d",
		opts.Timeout.Milliseconds(), opts.Timeout.Milliseconds()/2, 2*opts.Timeout.Milliseconds())
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
		for _, s := range pgPlanner {
			// Without them it works, too; others that speak the protocol may not know them.
			_, _ = c.PgConn().Exec(ctx, s).ReadAll()
		}
		_, err := c.PgConn().Exec(ctx, limits).ReadAll()
		return err
	}))
	return open(ctx, db, postgres{}, opts)
}

// pgPlanner keeps the planner to the primary key, by which all of our statements
// go. Left alone it takes a bucket for small until the table was analyzed, and
// sorts all of it for each page of a scan.
var pgPlanner = []string{
	"SET enable_seqscan = off",
	"SET enable_bitmapscan = off",
	"SET enable_sort = off",
	"SET enable_hashjoin = off",
	"SET enable_mergejoin = off",
}

// ensurePostgreSQL creates the database if connecting says that it is missing.
func ensurePostgreSQL(ctx context.Context, config *pgx.ConnConfig) error {
	c, err := pgx.ConnectConfig(ctx, config)
	if err == nil {
		return c.Close(ctx)
	}
	if pgCode(err) != pgUnknownDatabase {
		return err
	}
	for _, name := range []string{"postgres", "template1"} {
		maintenance := config.Copy()
		maintenance.Database = name
		var c *pgx.Conn
		if c, err = pgx.ConnectConfig(ctx, maintenance); err != nil {
			continue
		}
		_, err = c.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{config.Database}.Sanitize())
		_ = c.Close(ctx)
		if code := pgCode(err); err == nil || code == pgDuplicateDatabase || code == pgUniqueViolation {
			return nil // created by us, or by another server at the same time
		}
	}
	return fmt.Errorf("creating the database %s: %w", config.Database, err)
}

// withoutDSN returns why a DSN could not be parsed, without showing it: pgx hides
// a password only where it finds one.
func withoutDSN(err error) error {
	if e, ok := errors.AsType[*pgconn.ParseConfigError](err); ok {
		err = e.Unwrap()
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return err
}

func pgCode(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// postgres is the dialect of PostgreSQL. Lists are passed as arrays, so that
// each kind of statement has one text, prepared once a connection.
type postgres struct{}

func (postgres) isolation() sql.IsolationLevel { return sql.LevelRepeatableRead }

func (postgres) get(k key) statement {
	return statement{"SELECT value, version FROM stepca_records WHERE bucket = $1 AND id = $2", []any{k.bucket, k.id}}
}

func (postgres) page(bucket string, p page) statement {
	numbered := func(n int) string { return fmt.Sprintf("$%d", n) }
	return pageStatement(bucket, p, numbered)
}

func (postgres) lock(keys []key) statement { return pgLock(keys, "UPDATE") }

func (postgres) hold(keys []key) statement { return pgLock(keys, "SHARE") }

func pgLock(keys []key, strength string) statement {
	buckets, ids := columnsOf(keys)
	return statement{`SELECT r.bucket, r.id, r.version FROM stepca_records r
		JOIN unnest($1::text[], $2::bytea[]) AS k(bucket, id) ON r.bucket = k.bucket AND r.id = k.id
		ORDER BY r.bucket, r.id FOR ` + strength + ` OF r`, []any{buckets, ids}}
}

func columnsOf(keys []key) (buckets []string, ids [][]byte) {
	for _, k := range keys {
		buckets = append(buckets, k.bucket)
		ids = append(ids, k.id)
	}
	return buckets, ids
}

func (postgres) holdNeedsWrite() bool { return false }

func (postgres) touch(keys []key) statement {
	buckets, ids := columnsOf(keys)
	return statement{`UPDATE stepca_records r SET version = r.version FROM unnest($1::text[], $2::bytea[]) AS k(bucket, id)
		WHERE r.bucket = k.bucket AND r.id = k.id`, []any{buckets, ids}}
}

const pgInsert = `INSERT INTO stepca_records (bucket, id, value, version)
	SELECT * FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::bigint[])`

func (postgres) insert(rows []row) statement { return statement{pgInsert, pgRows(rows)} }

func (postgres) upsert(rows []row) statement {
	return statement{pgInsert + ` ON CONFLICT (bucket, id) DO UPDATE SET value = EXCLUDED.value, version = EXCLUDED.version`, pgRows(rows)}
}

func pgRows(rows []row) []any {
	n := len(rows)
	buckets, ids, values, versions := make([]string, n), make([][]byte, n), make([][]byte, n), make([]int64, n)
	for i, r := range rows {
		buckets[i], ids[i], values[i], versions[i] = r.bucket, r.id, r.value, r.version
	}
	return []any{buckets, ids, values, versions}
}

func (postgres) remove(keys []key) statement {
	buckets, ids := columnsOf(keys)
	return statement{`DELETE FROM stepca_records r USING unnest($1::text[], $2::bytea[]) AS k(bucket, id)
		WHERE r.bucket = k.bucket AND r.id = k.id`, []any{buckets, ids}}
}

func (postgres) duplicate(err error) bool { return pgCode(err) == pgUniqueViolation }

// creating: IF NOT EXISTS and OR REPLACE look first and create then, so a table or
// view, its type in pg_type, or its row in another catalog may be somebody else's
// by then.
func (postgres) creating(err error) bool {
	switch pgCode(err) {
	case pgUniqueViolation, pgDuplicateTable, pgDuplicateObject:
		return true
	case pgInternalError:
		return strings.Contains(err.Error(), "tuple concurrently") // updated, or deleted
	}
	return false
}

func (postgres) conflict(err error) bool {
	switch pgCode(err) {
	case pgSerializationFailure, pgDeadlockDetected, pgLockNotAvailable:
		return true
	}
	return false
}

func (postgres) disconnected(err error) bool {
	switch pgCode(err) {
	case pgCannotConnectNow:
		return true
	}
	return dialFailed(err) || pgconn.SafeToRetry(err)
}

func (postgres) undecided(err error) bool {
	switch code := pgCode(err); {
	case code == pgAdminShutdown, code == pgCrashShutdown, strings.HasPrefix(code, "08"):
		return true
	}
	return connectionLost(err)
}
