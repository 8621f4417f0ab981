package acmeserver_test

import (
	"encoding/json"
	"net/http"
	"sync"
	"testing"

	"stepca/kv/mem"
	"stepca/store"
)

// atOnce sends n requests at the same time and counts the answers by status.
func atOnce(n int, send func(i int) *reply) map[int]int {
	var (
		mu    sync.Mutex
		group sync.WaitGroup
		start = make(chan struct{})
		count = map[int]int{}
	)
	for i := range n {
		group.Go(func() {
			<-start
			r := send(i)
			mu.Lock()
			defer mu.Unlock()
			count[r.status]++
		})
	}
	close(start)
	group.Wait()
	return count
}

// TestRaces has many clients do at the same time what one may do once.
func TestRaces(t *testing.T) {
	t.Parallel()
	const n = 12
	c := newCA(t, new(validator), nil)
	crowd := make([]*client, n)
	for i := range crowd {
		crowd[i] = newClient(t, c).register()
	}
	cl := newClient(t, c).register()
	t.Run("one nonce", func(t *testing.T) {
		u := cl.base + "new-order"
		body := cl.sign([]byte(orderPayload), cl.key, cl.header(u, nil))
		got := atOnce(n, func(i int) *reply { return crowd[i].in(t).raw(u, body) })
		if got[http.StatusCreated] != 1 || got[http.StatusBadRequest] != n-1 {
			t.Errorf("answers %v, want one success", got)
		}
	})
	t.Run("one key for many new accounts", func(t *testing.T) {
		key := newKey(t)
		locations := make([]string, n)
		got := atOnce(n, func(i int) *reply {
			one := newClient(t, c)
			one.key = key
			r := one.post(one.base+"new-account", map[string]any{})
			locations[i] = r.header.Get("Location")
			return r
		})
		if got[http.StatusCreated] != 1 || got[http.StatusOK] != n-1 {
			t.Errorf("answers %v, want one new account", got)
		}
		for _, l := range locations {
			if l != locations[0] || l == "" {
				t.Errorf("accounts %v, want one", locations)
				break
			}
		}
	})
	t.Run("one key for many accounts that change theirs", func(t *testing.T) {
		key := newKey(t)
		got := atOnce(n, func(i int) *reply { return crowd[i].in(t).keyChange(key, nil) })
		if got[http.StatusOK] != 1 || got[http.StatusConflict] != n-1 {
			t.Errorf("answers %v, want one change", got)
		}
	})
	t.Run("one account changes to many keys", func(t *testing.T) {
		one := newClient(t, c).register()
		got := atOnce(n, func(int) *reply { return one.in(t).keyChange(newKey(t), nil) })
		if got[http.StatusOK] != 1 || got[http.StatusInternalServerError] != 0 {
			t.Errorf("answers %v, want one change", got)
		}
	})
	t.Run("one certificate is revoked", func(t *testing.T) {
		crt, _, _ := cl.issue("a.example")
		got := atOnce(n, func(int) *reply { return cl.in(t).post(cl.base+"revoke-cert", revocationOf(crt, nil)) })
		if got[http.StatusOK] == 0 || got[http.StatusOK]+got[http.StatusBadRequest] != n {
			t.Errorf("answers %v, want success and alreadyRevoked", got)
		}
	})
	t.Run("one authorization is deactivated and fulfilled", func(t *testing.T) {
		for range 5 {
			u, order := cl.order("a.example")
			authz, challenge := cl.firstChallenge(order)
			atOnce(2, func(i int) *reply {
				if i == 0 {
					return cl.in(t).post(authz, map[string]any{"status": "deactivated"})
				}
				return cl.in(t).post(challenge, map[string]any{})
			})
			status := cl.post(authz, nil).json()["status"]
			if got := cl.post(u, nil).json()["status"]; status != "deactivated" || got != "invalid" {
				t.Errorf("authorization %v, order %v", status, got)
			}
		}
	})
}

// TestBindingRace has many new accounts want one external account key.
func TestBindingRace(t *testing.T) {
	t.Parallel()
	const n = 12
	engine := mem.New()
	c := newCAWith(t, new(validator), func(p map[string]any) { p["requireEAB"] = true }, onEngine(engine))
	key := externalKey(t, store.New(engine, store.Options{}), "acme/acme", "")
	got := atOnce(n, func(int) *reply {
		one := newClient(t, c)
		return one.post(one.base+"new-account", map[string]json.RawMessage{"externalAccountBinding": one.binding(key, nil)})
	})
	if got[http.StatusCreated] != 1 || got[http.StatusForbidden] != n-1 {
		t.Errorf("answers %v, want one account", got)
	}
}
