package acmeserver_test

import (
	"net/http"
	"strings"
	"testing"

	"stepca/acme"
)

// TestForeignResources has accounts of this provisioner, of another one and of
// nobody ask for what one account has.
func TestForeignResources(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	owner, neighbour := newClient(t, c).register(), newClient(t, c).register()
	abroad := newClient(t, c)
	abroad.base = c.URL + "/acme/other/"
	abroad.register()
	_, orderURL, done := owner.finished("a.example")
	u, order := owner.order("b.example")
	authz, challenge := owner.firstChallenge(order)
	request := map[string]any{"csr": csr(t, newKey(t), "b.example")}
	for name, tt := range map[string]struct {
		url     string
		payload any
	}{
		"account":        {owner.kid, nil},
		"contacts":       {owner.kid, map[string]any{"contact": []string{}}},
		"deactivation":   {owner.kid, map[string]any{"status": "deactivated"}},
		"list of orders": {owner.kid + "/orders", nil},
		"order":          {u, nil},
		"finished order": {orderURL, nil},
		"finalize":       {order["finalize"].(string), request},
		"authorization":  {authz, nil},
		"its end":        {authz, map[string]any{"status": "deactivated"}},
		"challenge":      {challenge, map[string]any{}},
		"certificate":    {done["certificate"].(string), nil},
	} {
		t.Run(name, func(t *testing.T) {
			neighbour.in(t).post(tt.url, tt.payload).problem(403, "unauthorized")
			abroad.in(t).post(tt.url, tt.payload).problem(401, "unauthorized") // its account is not one of this provisioner
			there := strings.Replace(tt.url, "/acme/acme/", "/acme/other/", 1)
			abroad.in(t).post(there, tt.payload).problem(403, "unauthorized")
			owner.in(t).post(there, tt.payload).problem(401, "unauthorized")
			stranger := newClient(t, c)
			stranger.post(tt.url, tt.payload).problem(400, "malformed") // by jwk
			owner.in(t).postWith(tt.url, tt.payload, map[string]any{"kid": neighbour.kid}).problem(400, "malformed")
		})
	}
	if got := owner.post(authz, nil).json(); got["status"] != "pending" {
		t.Errorf("authorization: %v", got)
	}
	// Parts of one order are not those of another.
	_, second := owner.order("c.example")
	secondAuthz, secondChallenge := owner.firstChallenge(second)
	for _, u := range []string{
		challenge[:strings.LastIndex(challenge, "/")] + secondChallenge[strings.LastIndex(secondChallenge, "/"):], strings.Replace(authz, "/authz/", "/order/", 1),
		strings.Replace(u, "/order/", "/authz/", 1), strings.Replace(u, "/order/", "/certificate/", 1), strings.Replace(authz, "/authz/", "/certificate/", 1),
		owner.base + "order/x", owner.base + "order/%00", owner.base + "authz/" + strings.Repeat("x", 5000), secondAuthz + "x", owner.base + "order/%ff/finalize",
	} {
		var payload any
		switch {
		case strings.Contains(u, "/challenge/"):
			payload = map[string]any{}
		case strings.HasSuffix(u, "/finalize"):
			payload = request
		}
		owner.post(u, payload).problem(404, "malformed")
	}
	owner.post(challenge, map[string]any{}).want(http.StatusOK)
}

// TestForeignAuthorizationsWithoutOrder has others ask for what one account proved
// without an order, which is good for its own orders and revocations only.
func TestForeignAuthorizationsWithoutOrder(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	owner, neighbour := newClient(t, c).register(), newClient(t, c).register()
	abroad := newClient(t, c)
	abroad.base, abroad.key = c.URL+"/acme/other/", owner.key
	abroad.register()
	r := owner.post(owner.base+"new-authz", map[string]any{"identifier": ids("a.example")[0]}).want(http.StatusCreated)
	authz := r.header.Get("Location")
	challenge := r.json()["challenges"].([]any)[0].(map[string]any)["url"].(string)
	for _, u := range []string{authz, challenge} {
		neighbour.post(u, nil).problem(403, "unauthorized")
		abroad.post(strings.Replace(u, "/acme/acme/", "/acme/other/", 1), nil).problem(403, "unauthorized")
	}
	owner.post(challenge, map[string]any{}).want(http.StatusOK)
	for _, u := range []string{"/order/", "/certificate/"} { // it is no order, whatever stores it
		owner.post(strings.Replace(authz, "/authz/", u, 1), nil).problem(404, "malformed")
	}
	for _, one := range []*client{neighbour, abroad} {
		if _, order := one.order("a.example"); order["status"] != "pending" {
			t.Errorf("order of another account: %v", order)
		}
	}
	for _, name := range []string{"*.a.example", "b.a.example"} {
		if _, order := owner.order(name); order["status"] != "pending" {
			t.Errorf("order for %s: %v", name, order)
		}
	}
	crt, _, _ := neighbour.issue("a.example")
	abroad.post(abroad.base+"revoke-cert", revocationOf(crt, nil)).problem(403, "unauthorized")
	owner.post(owner.base+"revoke-cert", revocationOf(crt, nil)).want(http.StatusOK) // RFC 8555 §7.6
	if _, order := owner.order("a.example"); order["status"] != "ready" {
		t.Errorf("order of the account that proved it: %v", order)
	}
}

// finished returns a certificate, and the order it came by with its URL.
func (c *client) finished(names ...string) (leaf []byte, u string, order map[string]any) {
	c.t.Helper()
	crt, _, u := c.issue(names...)
	return crt.Raw, u, c.post(u, nil).want(http.StatusOK).json()
}

// TestDeactivatedAccountCanDoNothing tries everything with it.
func TestDeactivatedAccountCanDoNothing(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	c := newCA(t, &validator{validate: func(what *acme.Validation) (*acme.Attestation, error) {
		if what.Identifier.Value == "slow.example" {
			<-hold
		}
		return nil, nil
	}}, nil)
	cl := newClient(t, c).register()
	crt, key, orderURL := cl.issue("a.example")
	done := cl.post(orderURL, nil).json()
	_, order := cl.order("b.example")
	cl.prove(order)
	slowURL, slow := cl.order("slow.example")
	_, challenge := cl.firstChallenge(slow)
	cl.post(challenge, map[string]any{}).want(http.StatusOK)
	authz := order["authorizations"].([]any)[0].(string)
	cl.post(cl.kid, map[string]any{"status": "deactivated"}).want(http.StatusOK)
	close(hold)
	next := newKey(t)
	for name, tt := range map[string]struct {
		url     string
		payload any
	}{
		"account":       {cl.kid, nil},
		"contacts":      {cl.kid, map[string]any{"contact": []string{}}},
		"reactivation":  {cl.kid, map[string]any{"status": "valid"}},
		"deactivation":  {cl.kid, map[string]any{"status": "deactivated"}},
		"orders":        {cl.kid + "/orders", nil},
		"new order":     {cl.base + "new-order", map[string]any{"identifiers": ids("a.example")}},
		"order":         {orderURL, nil},
		"slow order":    {slowURL, nil},
		"finalize":      {order["finalize"].(string), map[string]any{"csr": csr(t, newKey(t), "b.example")}},
		"authorization": {authz, nil},
		"challenge":     {challenge, map[string]any{}},
		"certificate":   {done["certificate"].(string), nil},
		"revocation":    {cl.base + "revoke-cert", revocationOf(crt, nil)},
		"no resource":   {cl.base + "order/x", nil},
	} {
		t.Run(name, func(t *testing.T) { cl.in(t).post(tt.url, tt.payload).problem(401, "unauthorized") })
	}
	cl.keyChange(next, nil).problem(401, "unauthorized")
	other := newClient(t, c).register()
	other.keyChange(cl.key, nil).problem(409, "malformed") // its key stays taken
	again := newClient(t, c)
	again.key = cl.key
	for _, payload := range []map[string]any{{}, {"onlyReturnExisting": true}} {
		again.post(again.base+"new-account", payload).problem(401, "unauthorized")
	}
	holder := newClient(t, c) // whoever has the certificate's key still may end it
	holder.key = key
	holder.post(holder.base+"revoke-cert", revocationOf(crt, nil)).want(http.StatusOK)
}
