package acmeserver_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	xacme "golang.org/x/crypto/acme"

	"stepca/acme"
	"stepca/kv/mem"
)

// authorize creates an authorization without an order.
func (c *client) authorize(name string) (u string, authz map[string]any) {
	c.t.Helper()
	r := c.post(c.base+"new-authz", map[string]any{"identifier": ids(name)[0]}).want(http.StatusCreated)
	return r.header.Get("Location"), r.json()
}

// fulfil answers a challenge of an authorization, and returns that as it is then.
func (c *client) fulfil(u, challenge string) map[string]any {
	c.t.Helper()
	for _, ch := range c.post(u, nil).want(http.StatusOK).json()["challenges"].([]any) {
		if ch := ch.(map[string]any); ch["type"] == challenge {
			c.post(ch["url"].(string), map[string]any{}).want(http.StatusOK)
		}
	}
	return c.post(u, nil).want(http.StatusOK).json()
}

func status(authz map[string]any) any { return authz["status"] }

func TestAuthorizationWithoutAnOrder(t *testing.T) {
	t.Parallel()
	v := new(validator)
	c := newCA(t, v, nil)
	cl := newClient(t, c).register()
	u, authz := cl.authorize("A.example")
	if status(authz) != "pending" || authz["wildcard"] != false || authz["identifier"].(map[string]any)["value"] != "a.example" ||
		len(authz["challenges"].([]any)) != 3 || authz["expires"] == nil {
		t.Fatalf("new authorization: %v", authz)
	}
	id := u[strings.LastIndex(u, "/")+1:]

	t.Run("it is not an order", func(t *testing.T) {
		cl.post(cl.base+"order/"+id, nil).problem(http.StatusNotFound, "malformed")
		cl.post(cl.base+"order/"+id+"/finalize", map[string]any{"csr": csr(t, newKey(t), "a.example")}).problem(http.StatusNotFound, "malformed")
		cl.post(cl.base+"certificate/"+id, nil).problem(http.StatusNotFound, "malformed")
		if list := cl.post(cl.kid+"/orders", nil).want(http.StatusOK).json()["orders"].([]any); len(list) != 0 {
			t.Errorf("list of orders: %v", list)
		}
	})
	t.Run("nor another account's", func(t *testing.T) {
		other := newClient(t, c).register()
		other.post(u, nil).problem(http.StatusForbidden, "unauthorized")
		if theirs, _ := other.authorize("a.example"); theirs == u {
			t.Error("two accounts have one authorization")
		}
	})
	t.Run("asked for again it is the same one", func(t *testing.T) {
		if again, _ := cl.authorize("a.example"); again != u {
			t.Errorf("again: %s, want %s", again, u)
		}
	})
	t.Run("a pending one is no use to an order", func(t *testing.T) {
		if _, order := cl.order("a.example"); order["status"] != "pending" {
			t.Errorf("order: %v", order)
		}
	})
	if authz := cl.fulfil(u, "http-01"); status(authz) != "valid" {
		t.Fatalf("authorization: %v", authz)
	}
	t.Run("orders take a valid one over", func(t *testing.T) {
		for range 2 {
			seen := len(v.seen)
			_, order := cl.order("a.example")
			if order["status"] != "ready" || order["expires"] != authz["expires"] {
				t.Fatalf("order: %v, want it ready, and to expire at %v", order, authz["expires"])
			}
			taken := cl.post(order["authorizations"].([]any)[0].(string), nil).want(http.StatusOK).json()
			if list := taken["challenges"].([]any); status(taken) != "valid" || len(list) != 1 || list[0].(map[string]any)["type"] != "http-01" {
				t.Errorf("authorization of the order: %v", taken)
			}
			done := cl.post(order["finalize"].(string), map[string]any{"csr": csr(t, newKey(t), "a.example")}).want(http.StatusOK).json()
			if status(done) != "valid" || len(v.seen) != seen {
				t.Errorf("order: %v after %d validations", done, len(v.seen)-seen)
			}
		}
	})
	t.Run("for this very name only", func(t *testing.T) {
		_, order := cl.order("a.example", "*.a.example", "b.a.example")
		if status(order) != "pending" {
			t.Errorf("order: %v", order)
		}
		for i, want := range []string{"valid", "pending", "pending"} {
			if got := cl.post(order["authorizations"].([]any)[i].(string), nil).json(); status(got) != want {
				t.Errorf("authorization %d: %v, want it %s", i, got, want)
			}
		}
	})
	t.Run("not by another account", func(t *testing.T) {
		if _, order := newClient(t, c).register().order("a.example"); status(order) != "pending" {
			t.Errorf("order: %v", order)
		}
	})
	t.Run("not at another provisioner", func(t *testing.T) {
		other := newClient(t, c)
		other.key, other.base = cl.key, strings.Replace(cl.base, "/acme/acme/", "/acme/other/", 1)
		if _, order := other.register().order("a.example"); status(order) != "pending" {
			t.Errorf("order: %v", order)
		}
	})
	t.Run("an order's own goes its own way", func(t *testing.T) {
		_, order := cl.order("a.example")
		cl.post(u, map[string]any{"status": "deactivated"}).want(http.StatusOK)
		if _, later := cl.order("a.example"); status(later) != "pending" {
			t.Errorf("order after the deactivation: %v", later)
		}
		if again, authz := cl.authorize("a.example"); again == u || status(authz) != "pending" {
			t.Errorf("new authorization after the deactivation: %s %v", again, authz)
		}
		cl.post(order["finalize"].(string), map[string]any{"csr": csr(t, newKey(t), "a.example")}).want(http.StatusOK)
	})
}

func TestRefusedAuthorizations(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), func(p map[string]any) {
		p["challenges"] = []any{"http-01", "device-attest-01"}
		p["policy"] = map[string]any{"x509": map[string]any{"deny": map[string]any{"dns": []any{"secret.example"}}}}
	})
	cl := newClient(t, c).register()
	u := cl.base + "new-authz"
	for _, tt := range []struct {
		payload any
		typ     string
	}{
		{map[string]any{}, "malformed"},
		{map[string]any{"identifier": nil}, "malformed"},
		{map[string]any{"identifier": ids("*.a.example")[0]}, "malformed"},
		{map[string]any{"identifier": ids("a..example")[0]}, "malformed"},
		{map[string]any{"identifier": ids("email=a@b.example")[0]}, "unsupportedIdentifier"},
		{map[string]any{"identifier": ids("permanent-identifier=1")[0]}, "rejectedIdentifier"},
		{map[string]any{"identifier": ids("secret.example")[0]}, "rejectedIdentifier"},
	} {
		cl.post(u, tt.payload).problem(http.StatusBadRequest, tt.typ)
	}
	cl.post(u, nil).problem(http.StatusBadRequest, "malformed")
	cl.send(http.MethodGet, u).problem(http.StatusMethodNotAllowed, "malformed")
}

// TestOldAuthorizationIsNotTakenOver makes authorizations older, and challenges
// unwelcome.
func TestOldAuthorizationIsNotTakenOver(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		challenge string
		edit      func(*acme.Authorization)
		taken     bool
		again     bool // whether a request for an authorization gets it
	}{
		{"as it is", "http-01", func(*acme.Authorization) {}, true, true},
		{"about to expire", "http-01", func(a *acme.Authorization) { a.Expires = time.Now().Add(59 * time.Minute) }, false, false},
		{"expired", "http-01", func(a *acme.Authorization) { a.Expires = time.Now().Add(-time.Minute) }, false, false},
		{"proved by a challenge that is not offered any more", "http-01", func(a *acme.Authorization) { a.Fulfilled().Type = acme.TLSALPN01 }, false, false},
		{"proved by a record that is read each time", "dns-persist-01", func(*acme.Authorization) {}, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			engine := mem.New()
			c := newCAWith(t, new(validator), func(p map[string]any) {
				p["challenges"], p["caaIdentities"] = []any{"http-01", "dns-persist-01"}, []any{"ca.example"}
			}, onEngine(engine))
			cl := newClient(t, c).register()
			u, authz := cl.authorize("a.example")
			if got := cl.fulfil(u, tt.challenge); status(got) != "valid" {
				t.Fatalf("authorization: %v", got)
			}
			authz["id"] = u[strings.LastIndex(u, "/")+1:]
			editOrder(t, engine, authz, func(o *acme.Order) { tt.edit(o.Authorizations[0]) })
			want := "pending"
			if tt.taken {
				want = "ready"
			}
			if _, order := cl.order("a.example"); status(order) != want {
				t.Errorf("order: %v, want it %s", order, want)
			}
			if again, _ := cl.authorize("a.example"); (again == u) != tt.again {
				t.Errorf("asked for again: %s, it was %s; want the same: %v", again, u, tt.again)
			}
		})
	}
}

// TestAuthorizationOfAnotherAllowsRevocation revokes a certificate that another
// account got for a name that is ours (RFC 8555 §7.6).
func TestAuthorizationOfAnotherAllowsRevocation(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	crt, _, _ := newClient(t, c).register().issue("a.example")
	cl := newClient(t, c).register()
	u, _ := cl.authorize("a.example")
	payload := map[string]any{"certificate": b64(crt.Raw)}
	cl.post(cl.base+"revoke-cert", payload).problem(http.StatusForbidden, "unauthorized")
	cl.fulfil(u, "http-01")
	cl.post(cl.base+"revoke-cert", payload).want(http.StatusOK)
}

// TestGoClientAuthorizesFirst lets the client of golang.org/x/crypto go the way of
// pre-authorization.
func TestGoClientAuthorizesFirst(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl := &xacme.Client{Key: newKey(t), HTTPClient: c.HTTP(nil), DirectoryURL: c.URL + "/acme/acme/directory"}
	ctx := t.Context()
	if _, err := cl.Register(ctx, new(xacme.Account), xacme.AcceptTOS); err != nil {
		t.Fatal(err)
	}
	authz, err := cl.Authorize(ctx, "a.example")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cl.Accept(ctx, authz.Challenges[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := cl.WaitAuthorization(ctx, authz.URI); err != nil {
		t.Fatal(err)
	}
	again, err := cl.Authorize(ctx, "a.example")
	if err != nil || again.Status != xacme.StatusValid {
		t.Errorf("authorized again: %v, %v", again, err)
	}
	order, err := cl.AuthorizeOrder(ctx, xacme.DomainIDs("a.example"))
	if err != nil || order.Status != xacme.StatusReady {
		t.Errorf("order: %+v, %v, want it ready", order, err)
	}
}
