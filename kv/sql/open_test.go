package sql_test

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"stepca/kv"
	"stepca/kv/sql"
)

// open opens an engine that is closed with the test.
func open(t *testing.T, f opener, dsn string) *sql.Engine {
	t.Helper()
	e, err := f(t.Context(), sql.Options{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// console is a connection that is not the engine's, as a person has.
func console(t *testing.T, server, dsn string) *stdsql.DB {
	t.Helper()
	driver := map[string]string{"PostgreSQL": "pgx", "MariaDB": "mysql"}[server]
	db, err := stdsql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func exec(t *testing.T, db *stdsql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func put(e kv.Engine, key, value string) error {
	return e.Update(context.Background(), func(tx kv.Tx) error { return tx.Put("b", []byte(key), []byte(value)) })
}

// TestForeign: the tables of the reference are recognised, and others left alone.
func TestForeign(t *testing.T) {
	reference := map[string][]string{
		"PostgreSQL": {
			`CREATE TABLE "used_ott" (nkey BYTEA CHECK (octet_length(nkey) <= 255), nvalue BYTEA, PRIMARY KEY (nkey))`,
			`CREATE TABLE "x509_certs" (nkey BYTEA CHECK (octet_length(nkey) <= 255), nvalue BYTEA, PRIMARY KEY (nkey))`,
		},
		"MariaDB": {
			"CREATE TABLE `used_ott` (nkey VARBINARY(255), nvalue BLOB, PRIMARY KEY (nkey))",
			"CREATE TABLE `x509_certs` (nkey VARBINARY(255), nvalue BLOB, PRIMARY KEY (nkey))",
		},
	}
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			dsn := s.dsn(t)
			e, err := s.open(t.Context(), sql.Options{DSN: dsn}) // creates the database
			if err != nil {
				t.Fatal(err)
			}
			e.Close()
			db := console(t, s.name, dsn)
			exec(t, db, "DROP TABLE stepca_records", "DROP TABLE stepca_format")

			exec(t, db, "CREATE TABLE somebody (nkey INT)", "CREATE VIEW x509_certs AS SELECT nkey, nkey AS nvalue FROM somebody")
			if e, err = s.open(t.Context(), sql.Options{DSN: dsn}); err != nil {
				t.Fatalf("Open beside tables of another program, and a view: %v", err)
			}
			e.Close()
			exec(t, db, "DROP TABLE stepca_records", "DROP TABLE stepca_format", "DROP VIEW x509_certs")

			exec(t, db, reference[s.name]...)
			_, err = s.open(t.Context(), sql.Options{DSN: dsn})
			if !errors.Is(err, kv.ErrForeign) || !strings.Contains(err.Error(), "x509_certs, used_ott") || !strings.Contains(err.Error(), "dataSource of its own") {
				t.Errorf("Open of the reference's database = %v, want ErrForeign", err)
			}
			if _, err := db.Exec("SELECT 1 FROM stepca_format"); err == nil {
				t.Error("tables were made in the reference's database")
			}
		})
	}
}

func TestNewerFormat(t *testing.T) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			dsn := s.dsn(t)
			open(t, s.open, dsn)
			exec(t, console(t, s.name, dsn), "UPDATE stepca_format SET format = 2")
			_, err := s.open(t.Context(), sql.Options{DSN: dsn})
			if !errors.Is(err, kv.ErrForeign) || !strings.Contains(err.Error(), "newer version") {
				t.Errorf("Open of a newer format = %v, want an error that says so", err)
			}
		})
	}
}

func TestBadDataSource(t *testing.T) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			const secret = "tr0ub4dor"
			for _, dsn := range []string{"postgres://u:" + secret + "@127.0.0.1:1/x", "u:" + secret + "@tcp(127.0.0.1:1)/x", "u:" + secret + "@tcp(", "://" + secret, "postgres://u:" + secret + "@[/x", "postgres://u:" + secret + "@h:port/x", "user=u password=" + secret + " port=x"} {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				_, err := s.open(ctx, sql.Options{DSN: dsn, RetryFor: time.Millisecond})
				cancel()
				if err == nil || strings.Contains(err.Error(), secret) {
					t.Errorf("Open(%q) = %v, want an error without the password", dsn, err)
				}
			}
		})
	}
}

// TestServersOpenTogether: several CA servers that start at once on a database
// that does not exist yet, then count together.
func TestServersOpenTogether(t *testing.T) {
	var views []kv.Relation
	for i := range 10 {
		views = append(views, kv.Relation{Name: fmt.Sprintf("view%d", i), Bucket: "b", Columns: []kv.Column{{Name: "a", Path: []string{"a"}}}})
	}
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			const n, rounds = 4, 10
			dsn := s.dsn(t)
			var wg sync.WaitGroup
			for range n {
				wg.Go(func() {
					e, err := s.open(t.Context(), sql.Options{DSN: dsn, MaxConns: 4})
					if err != nil {
						t.Error(err)
						return
					}
					defer e.Close()
					for range 2 { // the second finds them there
						if err := e.DefineViews(t.Context(), views...); err != nil {
							t.Error(err)
						}
					}
					for range rounds {
						err := e.Update(context.Background(), func(tx kv.Tx) error {
							old, err := tx.Get("b", []byte("count"))
							if err != nil && !errors.Is(err, kv.ErrNotFound) {
								return err
							}
							return tx.Put("b", []byte("count"), append(old, 'x'))
						})
						if err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			err := open(t, s.open, dsn).View(t.Context(), func(r kv.Reader) error {
				v, err := r.Get("b", []byte("count"))
				if err == nil && len(v) != n*rounds {
					t.Errorf("%d increments counted, want %d", len(v), n*rounds)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestServerRestarts: an engine works on when the database comes back, and rides
// out a short absence.
func TestServerRestarts(t *testing.T) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			server := s.own(t)
			e, err := s.open(t.Context(), sql.Options{DSN: server.DSN("ca"), RetryFor: 300 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			var wg sync.WaitGroup
			for i := range 4 { // several connections
				wg.Go(func() {
					if err := put(e, fmt.Sprint(i), "before"); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if err := server.Stop(); err != nil {
				t.Fatal(err)
			}
			if err := put(e, "k", "v"); !errors.Is(err, kv.ErrBusy) && !errors.Is(err, kv.ErrInDoubt) {
				t.Errorf("Update without a server = %v, want ErrBusy", err)
			}
			if err := e.View(t.Context(), func(kv.Reader) error { return nil }); !errors.Is(err, kv.ErrBusy) {
				t.Errorf("View without a server = %v, want ErrBusy", err)
			}
			if err := server.Start(); err != nil {
				t.Fatal(err)
			}
			for i := range 4 {
				if err := put(e, fmt.Sprint(i), "after"); err != nil {
					t.Errorf("Update after the server came back: %v", err)
				}
			}
			err = e.View(t.Context(), func(r kv.Reader) error { _, err := r.Get("b", []byte("3")); return err })
			if err != nil {
				t.Errorf("View after the server came back: %v", err)
			}
		})
	}
}

func TestViews(t *testing.T) {
	relation := kv.Relation{Name: "things", Bucket: "b", Columns: []kv.Column{
		{Name: "name", Path: []string{"name"}}, {Name: "deep", Path: []string{"a", "b-c"}},
	}}
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			dsn := s.dsn(t)
			e := open(t, s.open, dsn)
			var _ kv.Relational = e
			for range 2 {
				if err := e.DefineViews(t.Context(), relation); err != nil {
					t.Fatal(err)
				}
			}
			other := relation
			other.Columns = other.Columns[1:]
			if err := e.DefineViews(t.Context(), other); err != nil { // with other columns
				t.Fatal(err)
			}
			if err := e.DefineViews(t.Context(), relation); err != nil {
				t.Fatal(err)
			}
			if err := put(e, "\x01\xff", `{"name":"café","a":{"b-c":7}}`); err != nil {
				t.Fatal(err)
			}
			var id, name, deep string
			err := console(t, s.name, dsn).QueryRow("SELECT id, name, deep FROM things WHERE name = 'café'").Scan(&id, &name, &deep)
			if err != nil || id != "01ff" || name != "café" || deep != "7" {
				t.Errorf("the view shows %q, %q, %q, %v", id, name, deep, err)
			}
			open(t, s.open, dsn) // with our own views in it
			for _, bad := range []kv.Relation{
				{Name: "x; DROP TABLE stepca_records", Bucket: "b"},
				{Name: "x", Bucket: "b'"},
				{Name: "x", Bucket: "b", Columns: []kv.Column{{Name: `y"`, Path: []string{"z"}}}},
				{Name: "x", Bucket: "b", Columns: []kv.Column{{Name: "y", Path: []string{"z'"}}}},
			} {
				if err := e.DefineViews(t.Context(), bad); err == nil {
					t.Errorf("DefineViews(%+v) succeeded", bad)
				}
			}
		})
	}
}
