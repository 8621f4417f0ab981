//go:build unix

package sqltest_test

import (
	"database/sql"
	"testing"

	_ "github.com/go-sql-driver/mysql"

	"stepca/internal/sqltest"
)

func TestNames(t *testing.T) {
	if a, b := sqltest.Postgres(t), sqltest.Postgres(t); a == b {
		t.Errorf("two databases with one DSN, %s", a)
	}
	if a, b := sqltest.MariaDB(t), sqltest.MariaDB(t); a == b {
		t.Errorf("two databases with one DSN, %s", a)
	}
}

func TestGalera(t *testing.T) {
	if nodes := sqltest.Galera(t); len(nodes) != 3 {
		t.Errorf("%d nodes", len(nodes))
	}
}

// A MariaDB that starts removes the temporary tables in its directory, so two
// servers that share one lose theirs in the middle of a query.
func TestTemporaryFilesAreNotShared(t *testing.T) {
	directory := func(s *sqltest.Server) (dir string) {
		t.Helper()
		db, err := sql.Open("mysql", s.DSN("mysql"))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.QueryRow("SELECT @@tmpdir").Scan(&dir); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	if a, b := directory(sqltest.NewMariaDB(t)), directory(sqltest.NewMariaDB(t)); a == b {
		t.Errorf("both servers keep temporary tables in %s", a)
	}
}
