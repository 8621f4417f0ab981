package acmeserver_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"stepca/acme"
	"stepca/kv/mem"
)

// TestOneOrderReplacesACertificate sends at the same time orders that replace one
// certificate (RFC 9773 §5): one is made, in one write.
func TestOneOrderReplacesACertificate(t *testing.T) {
	t.Parallel()
	writes := new(atomic.Int64)
	c := newCAWith(t, new(validator), nil, onEngine(countedEngine{mem.New(), writes}))
	cl := newClient(t, c).register()
	crt, _, _ := cl.issue("a.example")
	order := map[string]any{"identifiers": ids("a.example"), "replaces": acme.CertID(crt)}
	before := writes.Load()
	first := cl.post(cl.base+"new-order", order).want(http.StatusCreated).json()
	if n := writes.Load() - before; n != 1 {
		t.Errorf("an order that replaces a certificate took %d writes, want 1", n)
	}
	cl.post(first["authorizations"].([]any)[0].(string), map[string]any{"status": "deactivated"}).want(http.StatusOK)

	crowd := make([]*client, 10)
	for i := range crowd {
		crowd[i] = cl.in(t)
		crowd[i].send(http.MethodHead, cl.base+"new-nonce")
	}
	count := atOnce(len(crowd), func(i int) *reply { return crowd[i].post(cl.base+"new-order", order) })
	if count[http.StatusCreated] != 1 || count[http.StatusConflict] != len(crowd)-1 {
		t.Errorf("answers %v, want one 201 and %d times 409", count, len(crowd)-1)
	}
}
