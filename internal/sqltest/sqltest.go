//go:build unix

// Package sqltest starts PostgreSQL and MariaDB for tests: real servers from the
// Debian packages postgresql and mariadb-server, in a temporary directory, on a
// free port of loopback or a Unix socket, once for all tests of a package. They
// end with the test process, however that ends.
package sqltest

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"stepca/internal/freeport"
)

var (
	sharedPostgres = sync.OnceValues(startPostgres)
	sharedMariaDB  = sync.OnceValues(startMariaDB)
	sharedGalera   = sync.OnceValues(startGalera)
)

// Postgres returns the URL of a PostgreSQL database that does not exist yet;
// the user may create it. Without a server in this machine the test is skipped,
// or fails if CI is set.
func Postgres(t testing.TB) string {
	t.Helper()
	return shared(t, sharedPostgres).DSN(newName())
}

// MariaDB is Postgres for MariaDB, and returns a DSN of go-sql-driver/mysql.
func MariaDB(t testing.TB) string {
	t.Helper()
	return shared(t, sharedMariaDB).DSN(newName())
}

// NewPostgres starts a server of the test's own, to be stopped and started.
func NewPostgres(t testing.TB) *Server {
	t.Helper()
	return own(t, startPostgres)
}

// NewMariaDB starts a server of the test's own, to be stopped and started.
func NewMariaDB(t testing.TB) *Server {
	t.Helper()
	return own(t, startMariaDB)
}

func own(t testing.TB, start func() (*Server, error)) *Server {
	t.Helper()
	s := shared(t, start)
	t.Cleanup(s.remove)
	return s
}

func shared(t testing.TB, start func() (*Server, error)) *Server {
	t.Helper()
	s, err := start()
	if missing, ok := err.(missingError); ok {
		if os.Getenv("CI") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// missingError names a program that is not installed.
type missingError struct{ program, pkg string }

func (e missingError) Error() string {
	return fmt.Sprintf("%s is not installed: apt-get install %s", e.program, e.pkg)
}

func newName() string { return "test_" + strings.ToLower(rand.Text()[:12]) }

// find returns the path of a program, also of those that Debian keeps out of
// the usual PATH.
func find(program, pkg string) (string, error) {
	patterns := []string{"/usr/lib/postgresql/*/bin/", "/usr/sbin/", "/usr/bin/", "/usr/local/bin/"}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		patterns = append(patterns, dir+"/")
	}
	for _, p := range patterns {
		if found, _ := filepath.Glob(p + program); len(found) > 0 {
			return found[len(found)-1], nil
		}
	}
	return "", missingError{program, pkg}
}

func startPostgres() (*Server, error) {
	initdb, err := find("initdb", "postgresql")
	if err != nil {
		return nil, err
	}
	server, err := find("postgres", "postgresql")
	if err != nil {
		return nil, err
	}
	port, err := freeport.Find()
	if err != nil {
		return nil, err
	}
	s, err := newServer("postgres")
	if err != nil {
		return nil, err
	}
	s.DSN = func(database string) string {
		return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", port, database)
	}
	s.ping = func(ctx context.Context) error { return pingPostgres(ctx, s.DSN("postgres")) }
	data := filepath.Join(s.dir, "data")
	s.signal = "INT" // "fast shutdown"
	s.command = []string{server, "-D", data, "-k", s.dir, "-p", fmt.Sprint(port),
		"-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=200", "-c", "shared_buffers=32MB"}
	if err := s.run(initdb, "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"); err != nil {
		return nil, err
	}
	return s, s.Start()
}

func startMariaDB() (*Server, error) {
	s, err := initMariaDB()
	if err != nil {
		return nil, err
	}
	return s, s.Start()
}

// initMariaDB makes the data directory of a server that is not started yet.
func initMariaDB() (*Server, error) {
	install, err := find("mariadb-install-db", "mariadb-server")
	if err != nil {
		return nil, err
	}
	server, err := find("mariadbd", "mariadb-server")
	if err != nil {
		return nil, err
	}
	s, err := newServer("mysql")
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(s.dir, "socket")
	s.DSN = func(database string) string { return fmt.Sprintf("root@unix(%s)/%s", socket, database) }
	s.ping = func(ctx context.Context) error { return pingMariaDB(ctx, s.DSN("mysql")) }
	s.signal = "TERM"
	data := filepath.Join(s.dir, "data")
	s.command = []string{server, "--no-defaults", "--datadir=" + data, "--socket=" + socket, "--skip-networking",
		"--pid-file=" + filepath.Join(s.dir, "pid"), "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M",
		"--innodb-log-file-size=96M", "--max-connections=200"}
	return s, s.run(install, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db")
}
