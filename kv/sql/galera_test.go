package sql_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"stepca/internal/sqltest"
	"stepca/kv"
	"stepca/kv/kvtest"
	"stepca/kv/sql"
)

// A cluster sends each transaction to the next node, as several CA servers do
// that each have a node of their own.
type cluster struct {
	nodes []kv.Engine
	next  atomic.Uint32
}

func (c *cluster) node() kv.Engine { return c.nodes[int(c.next.Add(1))%len(c.nodes)] }

func (c *cluster) View(ctx context.Context, f func(kv.Reader) error) error {
	return c.node().View(ctx, f)
}

func (c *cluster) Update(ctx context.Context, f func(kv.Tx) error) error {
	return c.node().Update(ctx, f)
}

func (c *cluster) Close() error {
	errs := make([]error, len(c.nodes))
	done := make(chan struct{})
	for i, n := range c.nodes {
		go func() { errs[i] = n.Close(); done <- struct{}{} }()
	}
	for range c.nodes {
		<-done
	}
	return errors.Join(errs...)
}

// TestGalera runs the suite on a cluster of three nodes that all write: locks on
// one mean nothing to the others.
func TestGalera(t *testing.T) {
	if testing.Short() {
		t.Skip("starting three servers takes a while")
	}
	dsns := sqltest.Galera(t)
	kvtest.Run(t, func(t testing.TB, dir string) kv.Engine {
		c := &cluster{}
		name := fmt.Sprintf("kv_%x", sha256.Sum256([]byte(dir)))[:24]
		for _, dsn := range dsns {
			e, err := sql.OpenMySQL(context.Background(), sql.Options{DSN: dsn, Database: name, MaxConns: 6})
			if err != nil {
				t.Fatal(err)
			}
			c.nodes = append(c.nodes, e)
		}
		return c
	}, kvtest.Options{})
}

// TestSecretsStayOut: neither errors nor the engine's own text show a password.
func TestSecretsStayOut(t *testing.T) {
	t.Parallel()
	_, err := sql.OpenMySQL(t.Context(), sql.Options{DSN: "u:tr0ub4dor@tcp(127.0.0.1:1)/"})
	if err == nil || strings.Contains(err.Error(), "tr0ub4dor") || !strings.Contains(err.Error(), "database") {
		t.Errorf("OpenMySQL without a database = %v", err)
	}
}
