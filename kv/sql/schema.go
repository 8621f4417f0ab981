package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"stepca/kv"
)

// A schema is how a dialect names and makes the tables.
type schema struct {
	place  string   // SELECT the name of the database, for messages
	tables string   // SELECT the names of the tables (not views) of ours
	alien  string   // SELECT the names of tables with the columns nkey and nvalue
	create []string // CREATE TABLE IF NOT EXISTS …
}

// prepare makes the tables, or checks them.
func (e *Engine) prepare(ctx context.Context) error {
	var err error
	for r := e.newRetry(); r.next(ctx); {
		// Another server may create the same tables at the same time, which
		// even IF NOT EXISTS can answer with an error.
		if err = e.prepareOnce(ctx); err == nil || errors.Is(err, kv.ErrForeign) || !e.d.creating(err) && !e.again(err) {
			return err
		}
	}
	return busy(ctx, err)
}

func (e *Engine) prepareOnce(ctx context.Context) error {
	s := e.d.schema()
	place, err := e.names(ctx, s.place)
	if err != nil {
		return fmt.Errorf("connecting to the database: %w", err)
	}
	where := "the database " + strings.Join(place, "")
	tables, err := e.names(ctx, s.tables)
	if err != nil {
		return fmt.Errorf("listing the tables of %s: %w", where, err)
	}
	if !slices.Contains(tables, "stepca_format") {
		if err := e.refuseAlien(ctx, where, s); err != nil {
			return err
		}
		for _, stmt := range s.create {
			if _, err := e.db.ExecContext(ctx, stmt); err != nil {
				return fmt.Errorf("creating the tables in %s: %w", where, err)
			}
		}
	}
	return e.checkFormat(ctx, where)
}

// refuseAlien looks for what the reference writes: one table for each of its
// buckets, with these two columns.
func (e *Engine) refuseAlien(ctx context.Context, where string, s schema) error {
	names, err := e.names(ctx, s.alien)
	if err != nil {
		return fmt.Errorf("listing the tables of %s: %w", where, err)
	}
	if len(names) == 0 {
		return nil
	}
	if len(names) > 4 {
		names = append(names[:4], "…")
	}
	return kv.Foreign(where, "tables of another CA ("+strings.Join(names, ", ")+")")
}

func (e *Engine) checkFormat(ctx context.Context, where string) error {
	var format sql.NullInt64
	if err := e.db.QueryRowContext(ctx, "SELECT MAX(format) FROM stepca_format").Scan(&format); err != nil {
		return fmt.Errorf("reading the format of %s: %w", where, err)
	}
	switch {
	case !format.Valid:
		if _, err := e.db.ExecContext(ctx, fmt.Sprintf("INSERT INTO stepca_format (format) VALUES (%d)", Format)); err != nil {
			return fmt.Errorf("marking %s: %w", where, err)
		}
	case format.Int64 > Format:
		return fmt.Errorf("%s was written by a newer version of this server (format %d, this one knows %d): run that version: %w",
			where, format.Int64, Format, kv.ErrForeign)
	}
	return nil
}

// names returns the one column of a query.
func (e *Engine) names(ctx context.Context, query string) (names []string, err error) {
	rows, err := e.db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

func (postgres) schema() schema {
	const here = "table_schema = ANY (current_schemas(false))"
	return schema{
		place:  "SELECT current_database()",
		tables: "SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND " + here + " AND table_name LIKE 'stepca%'",
		alien: `SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
			WHERE t.table_type = 'BASE TABLE' AND c.column_name IN ('nkey', 'nvalue') AND ` + strings.ReplaceAll(here, "table_schema", "t.table_schema") + `
			GROUP BY c.table_name HAVING count(*) = 2 ORDER BY c.table_name = 'x509_certs' DESC, c.table_name`,
		create: []string{
			`CREATE TABLE IF NOT EXISTS stepca_records (
				bucket text COLLATE "C" NOT NULL,
				id bytea NOT NULL,
				value bytea NOT NULL,
				version bigint NOT NULL,
				PRIMARY KEY (bucket, id))`,
			`CREATE TABLE IF NOT EXISTS stepca_format (format integer PRIMARY KEY)`,
		},
	}
}

func (mySQL) schema() schema {
	return schema{
		place:  "SELECT DATABASE()",
		tables: "SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND table_schema = DATABASE() AND table_name LIKE 'stepca%'",
		alien: `SELECT c.table_name FROM information_schema.columns c
			JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
			WHERE t.table_type = 'BASE TABLE' AND c.column_name IN ('nkey', 'nvalue') AND t.table_schema = DATABASE()
			GROUP BY c.table_name HAVING count(*) = 2 ORDER BY c.table_name = 'x509_certs' DESC, c.table_name`,
		create: []string{
			`CREATE TABLE IF NOT EXISTS stepca_records (
				bucket VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
				id VARBINARY(512) NOT NULL,
				value LONGBLOB NOT NULL,
				version BIGINT NOT NULL,
				touched INT UNSIGNED NOT NULL DEFAULT 0,
				PRIMARY KEY (bucket, id)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
			`CREATE TABLE IF NOT EXISTS stepca_format (format INT PRIMARY KEY) ENGINE=InnoDB`,
		},
	}
}
