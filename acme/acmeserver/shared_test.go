package acmeserver_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"stepca/config"
	"stepca/internal/catest"
	"stepca/internal/sqltest"
	"stepca/kv"
	"stepca/kv/sql"
	"stepca/server"
)

// onPostgres has the CA keep its records in a database of its own.
func onPostgres(t *testing.T) catest.Options {
	t.Helper()
	dsn := sqltest.Postgres(t)
	return catest.Options{
		Engines: map[string]server.EngineOpener{
			config.EnginePostgreSQL: func(ctx context.Context, _ *config.DB, _ *slog.Logger) (kv.Engine, error) {
				return sql.OpenPostgreSQL(ctx, sql.Options{DSN: dsn})
			},
		},
		Edit: func(cfg map[string]any) {
			cfg["db"] = map[string]any{"type": "postgresql", "dataSource": dsn, "database": "stepca"}
		},
	}
}

// TestTwoServersOfOneDatabase lets one client speak to two servers by turns.
func TestTwoServersOfOneDatabase(t *testing.T) {
	t.Parallel()
	opts := onPostgres(t)
	v := new(validator)
	first := newCAWith(t, v, nil, opts)
	second := sameAuthority(t, first, v, opts)

	cl := newClient(t, first).register()
	there := newClient(t, first)
	there.key, there.base = cl.key, second.URL+"/acme/acme/"
	there.kid = strings.Replace(cl.kid, first.URL, second.URL, 1)
	payload := map[string]any{"identifiers": ids("a.example")}

	t.Run("the nonce of one is good at the other, once", func(t *testing.T) {
		nonce := cl.nonce()
		there.postWith(there.base+"new-order", payload, map[string]any{"nonce": nonce}).want(http.StatusCreated)
		there.postWith(there.base+"new-order", payload, map[string]any{"nonce": nonce}).problem(400, "badNonce")
		cl.postWith(cl.base+"new-order", payload, map[string]any{"nonce": nonce}).problem(400, "badNonce")
		cl.postWith(cl.kid, nil, map[string]any{"nonce": nonce}).problem(400, "badNonce")
	})
	t.Run("a refused request spends its nonce", func(t *testing.T) {
		nonce := cl.nonce()
		cl.postWith(cl.base+"new-order", map[string]any{}, map[string]any{"nonce": nonce}).problem(400, "malformed")
		there.postWith(there.base+"new-order", payload, map[string]any{"nonce": nonce}).problem(400, "badNonce")
	})
	t.Run("an order begun at one is finished at the other", func(t *testing.T) {
		u, order := cl.order("a.example")
		cl.prove(order)
		finalize := strings.Replace(order["finalize"].(string), first.URL, second.URL, 1)
		done := there.post(finalize, map[string]any{"csr": csr(t, newKey(t), "a.example")}).want(http.StatusOK).json()
		if got := cl.post(u, nil).want(http.StatusOK).json(); got["status"] != "valid" || done["status"] != "valid" {
			t.Errorf("order: %v and %v", done, got)
		}
	})
	t.Run("many at once", func(t *testing.T) {
		manyOrders(t, cl, []string{first.URL, second.URL})
	})
}
