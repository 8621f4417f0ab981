package sql_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"

	"stepca/internal/sqltest"
	"stepca/kv"
	"stepca/kv/kvtest"
	"stepca/kv/sql"
)

type opener func(context.Context, sql.Options) (*sql.Engine, error)

// servers are the databases that every test runs against.
var servers = []struct {
	name string
	dsn  func(testing.TB) string
	own  func(testing.TB) *sqltest.Server
	open opener
}{
	{"PostgreSQL", sqltest.Postgres, sqltest.NewPostgres, sql.OpenPostgreSQL},
	{"MariaDB", sqltest.MariaDB, sqltest.NewMariaDB, sql.OpenMySQL},
}

// inDatabase opens a database named for the directory that the suite gives.
func inDatabase(dsn string, open opener) kvtest.Open {
	return func(t testing.TB, dir string) kv.Engine {
		name := fmt.Sprintf("kv_%x", sha256.Sum256([]byte(dir)))[:24]
		e, err := open(context.Background(), sql.Options{DSN: dsn, Database: name, MaxConns: 12})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
}

func TestConformance(t *testing.T) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			kvtest.Run(t, inDatabase(s.dsn(t), s.open), kvtest.Options{})
		})
	}
}

func BenchmarkUpdate(b *testing.B) {
	for _, s := range servers {
		b.Run(s.name, func(b *testing.B) { kvtest.Benchmark(b, inDatabase(s.dsn(b), s.open)) })
	}
}
