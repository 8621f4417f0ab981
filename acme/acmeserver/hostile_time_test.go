package acmeserver_test

import (
	"net/http"
	"testing"
	"time"

	"stepca/acme"
	"stepca/kv/mem"
)

// TestExpiredOrders comes late to all that has an end.
func TestExpiredOrders(t *testing.T) {
	t.Parallel()
	engine, v := mem.New(), new(validator)
	c := newCAWith(t, v, nil, onEngine(engine))
	cl := newClient(t, c).register()
	past := time.Now().Add(-time.Second).UTC().Truncate(time.Second)
	expire := func(order map[string]any) {
		editOrder(t, engine, order, func(o *acme.Order) {
			o.Expires = past
			for _, a := range o.Authorizations {
				a.Expires = past
			}
		})
	}
	t.Run("a pending order", func(t *testing.T) {
		cl := cl.in(t)
		u, order := cl.order("a.example")
		authz, challenge := cl.firstChallenge(order)
		expire(order)
		seen := len(v.seen)
		cl.post(challenge, map[string]any{}).want(http.StatusOK)
		if len(v.seen) != seen {
			t.Error("a challenge of an expired authorization was validated")
		}
		if got := cl.post(authz, nil).json(); got["status"] != "invalid" {
			t.Errorf("authorization: %v", got)
		}
		if got := cl.post(u, nil).json(); got["status"] != "invalid" || got["error"] == nil {
			t.Errorf("order: %v, want it invalid and why", got)
		}
		cl.post(authz, map[string]any{"status": "deactivated"}).problem(400, "malformed")
	})
	t.Run("a ready order", func(t *testing.T) {
		cl := cl.in(t)
		_, order := cl.order("a.example")
		cl.prove(order)
		expire(order)
		cl.post(order["finalize"].(string), map[string]any{"csr": csr(t, newKey(t), "a.example")}).problem(403, "orderNotReady")
		if got := cl.post(order["authorizations"].([]any)[0].(string), nil).json(); got["status"] != "expired" {
			t.Errorf("authorization: %v", got)
		}
	})
	t.Run("an authorization of a ready order", func(t *testing.T) {
		cl := cl.in(t)
		_, order := cl.order("a.example", "b.example")
		cl.prove(order)
		editOrder(t, engine, order, func(o *acme.Order) { o.Authorizations[1].Expires = past })
		cl.post(order["finalize"].(string), map[string]any{"csr": csr(t, newKey(t), "a.example", "b.example")}).problem(403, "orderNotReady")
	})
	t.Run("a valid order", func(t *testing.T) {
		cl := cl.in(t)
		_, _, u := cl.issue("a.example")
		order := cl.post(u, nil).json()
		expire(order)
		if got := cl.post(u, nil).json(); got["status"] != "valid" {
			t.Errorf("order: %v", got)
		}
		cl.post(order["certificate"].(string), nil).want(http.StatusOK)
	})
	t.Run("revocation with an authorization that is over", func(t *testing.T) {
		owner, other := newClient(t, c).register(), newClient(t, c).register()
		crt, _, _ := owner.issue("r.example")
		_, order := other.order("r.example")
		other.prove(order)
		expire(order)
		other.post(other.base+"revoke-cert", revocationOf(crt, nil)).problem(403, "unauthorized")
	})
}
