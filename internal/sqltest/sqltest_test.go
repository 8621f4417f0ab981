//go:build unix

package sqltest_test

import (
	"testing"

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
