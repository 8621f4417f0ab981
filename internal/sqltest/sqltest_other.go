//go:build !unix

// Package sqltest starts PostgreSQL and MariaDB for tests, on Unix.
package sqltest

import "testing"

// A Server is a running database server.
type Server struct {
	DSN func(database string) string
}

// Start starts the server again after Stop.
func (*Server) Start() error { return nil }

// Stop stops the server.
func (*Server) Stop() error { return nil }

// Postgres skips the test.
func Postgres(t testing.TB) string { return skip[string](t) }

// MariaDB skips the test.
func MariaDB(t testing.TB) string { return skip[string](t) }

// Galera skips the test.
func Galera(t testing.TB) []string { return skip[[]string](t) }

// NewPostgres skips the test.
func NewPostgres(t testing.TB) *Server { return skip[*Server](t) }

// NewMariaDB skips the test.
func NewMariaDB(t testing.TB) *Server { return skip[*Server](t) }

func skip[T any](t testing.TB) (none T) {
	t.Helper()
	t.Skip("database servers are started on Unix only")
	return none
}
