// Package sql is the engine on a SQL server, which several CA servers may share:
// PostgreSQL (and what speaks its protocol) and MySQL or MariaDB, a Galera
// cluster included.
//
// All buckets are one table, stepca_records (bucket, id, value, version): the
// version of a row is a new random number with each write. An Update reads in
// one snapshot and keeps its writes to itself. To commit, it locks the rows it
// read and compares their versions, inserts rows in place of the keys it found
// absent, and writes, in as few statements as possible; any difference rolls it
// back and runs it again. So nothing rests on how well a server isolates
// transactions, on predicate or gap locks, or on there being one server: it
// needs row locks (or a check of row conflicts at commit, as Galera and
// distributed databases do) and unique keys.
//
// Tested against PostgreSQL 15 and MariaDB 10.11.
package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"stepca/kv"
	"stepca/kv/txn"
)

// Format is the version of the tables this engine makes.
const Format = 1

// Options configure OpenPostgreSQL and OpenMySQL.
type Options struct {
	// DSN is the data source name: for PostgreSQL a URL or keyword/value string
	// as libpq and pgx read it (PG… environment variables and ~/.postgresql are
	// honoured), for MySQL user:password@tcp(host:port)/database?parameters.
	DSN string

	// Database is the name of the database, which is created if it is missing;
	// empty means the one in DSN.
	Database string

	MaxConns int           // connections open at most; zero means 16
	Timeout  time.Duration // for one try of a transaction; zero means 30 s
	RetryFor time.Duration // how long conflicts and lost connections are tried again; zero means 10 s
}

func (o *Options) setDefaults() {
	if o.MaxConns == 0 {
		o.MaxConns = 16
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.RetryFor == 0 {
		o.RetryFor = 10 * time.Second
	}
}

// An Engine is a kv.Engine, and kv.Relational, on a SQL server. If the
// connection breaks while it commits, Update returns kv.ErrInDoubt.
type Engine struct {
	db   *sql.DB
	d    dialect
	opts Options
	gate txn.Gate
}

var (
	_ kv.Engine     = (*Engine)(nil)
	_ kv.Relational = (*Engine)(nil)
)

// open makes an engine of a pool that reaches the database.
func open(ctx context.Context, db *sql.DB, d dialect, opts Options) (*Engine, error) {
	db.SetMaxOpenConns(opts.MaxConns)
	db.SetMaxIdleConns(opts.MaxConns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	db.SetConnMaxLifetime(time.Hour) // so that servers that were added get their share
	e := &Engine{db: db, d: d, opts: opts}
	ctx, cancel := context.WithTimeout(ctx, opts.Timeout)
	defer cancel()
	if err := e.prepare(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return e, nil
}

// View implements kv.Engine. It sees one snapshot of the server.
func (e *Engine) View(ctx context.Context, f func(kv.Reader) error) error {
	if err := e.gate.Enter(); err != nil {
		return err
	}
	defer e.gate.Leave()
	var err error
	for r := e.newRetry(); r.next(ctx); {
		ran := false
		err = e.view(ctx, func(tx kv.Reader) error { ran = true; return f(tx) })
		if ran || !e.d.disconnected(err) {
			return err
		}
	}
	return busy(ctx, err)
}

func (e *Engine) view(ctx context.Context, f func(kv.Reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	tx, err := e.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: e.d.isolation()})
	if err != nil {
		return fmt.Errorf("reading the database: %w", err)
	}
	defer tx.Rollback()
	r := txn.NewReader(ctx, &reader{ctx: ctx, d: e.d, begin: func() (*sql.Tx, error) { return tx, nil }})
	defer r.End()
	return f(r)
}

// Update implements kv.Engine.
func (e *Engine) Update(ctx context.Context, f func(kv.Tx) error) error {
	if err := e.gate.Enter(); err != nil {
		return err
	}
	defer e.gate.Leave()
	var err error
	for r := e.newRetry(); r.next(ctx); {
		if err = e.try(ctx, f); err == nil || !e.again(err) {
			return err
		}
	}
	return busy(ctx, err)
}

// try runs f once and commits.
func (e *Engine) try(ctx context.Context, f func(kv.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, e.opts.Timeout)
	defer cancel()
	t := newTransaction(limited, e.db, e.d)
	defer t.rollback()
	writes, err := txn.Run(ctx, &t.reader, t.insert, f)
	if t.failed != nil && (err == nil || e.again(t.failed)) {
		return t.failed // whatever f made of it, it rests on a failed read
	}
	if err != nil {
		return err
	}
	return t.commit(writes)
}

// Close implements kv.Engine.
func (e *Engine) Close() error {
	if !e.gate.Close() {
		return nil
	}
	if err := e.db.Close(); err != nil {
		return fmt.Errorf("closing the database: %w", err)
	}
	return nil
}
