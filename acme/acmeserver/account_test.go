package acmeserver_test

import (
	"crypto"
	"encoding/json"
	"net/http"
	"testing"
)

func TestNewAccount(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl := newClient(t, c)
	u := cl.base + "new-account"
	cl.post(u, map[string]any{"onlyReturnExisting": true}).problem(400, "accountDoesNotExist")
	cl.post(u, map[string]any{"onlyReturnExisting": true, "contact": []string{"mailto:a@x.example"}}).problem(400, "accountDoesNotExist")
	for contact, typ := range map[string]string{
		"": "malformed", "foo": "invalidContact", "tel:+1": "unsupportedContact", "mailto:nobody": "invalidContact",
		"mailto:a@x.example,b@x.example": "invalidContact", "mailto:a@x.example?subject=x": "invalidContact",
	} {
		cl.post(u, map[string]any{"contact": []string{contact}}).problem(400, typ)
	}
	r := cl.post(u, map[string]any{"contact": []string{"mailto:a@x.example"}}).want(http.StatusCreated)
	location := r.header.Get("Location")
	if want := `{"contact":["mailto:a@x.example"],"status":"valid","orders":"` + location + `/orders"}`; string(r.body) != want {
		t.Errorf("account = %s, want %s", r.body, want)
	}
	for _, p := range []map[string]any{
		{"onlyReturnExisting": true}, {"contact": []string{"mailto:b@x.example"}}, {"onlyReturnExisting": true, "contact": []string{"mailto:b@x.example"}},
	} {
		r := cl.post(u, p).want(http.StatusOK)
		if r.header.Get("Location") != location || r.json()["contact"].([]any)[0] != "mailto:a@x.example" {
			t.Errorf("found account %s %s, want %s unchanged", r.header.Get("Location"), r.body, location)
		}
	}
	other := *cl
	other.base = c.URL + "/acme/other/"
	other.post(other.base+"new-account", map[string]any{}).want(http.StatusCreated)
}

func TestAccountUpdateAndDeactivation(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl, other := newClient(t, c).register(), newClient(t, c).register()
	_, order := cl.order("a.example")
	got := cl.post(cl.kid, map[string]any{"contact": []string{"mailto:new@x.example"}}).want(http.StatusOK).json()
	if got["contact"].([]any)[0] != "mailto:new@x.example" {
		t.Errorf("updated account: %v", got)
	}
	if got := cl.post(cl.kid, map[string]any{"contact": []string{}}).want(http.StatusOK).json(); got["contact"] != nil {
		t.Errorf("account with contacts cleared: %v", got)
	}
	if got := cl.post(cl.kid, map[string]any{"status": "invalid"}).want(http.StatusOK).json(); got["status"] != "valid" {
		t.Errorf("account after another status was asked for: %v, want it ignored (RFC 8555 §7.3.2)", got)
	}
	other.post(cl.kid, map[string]any{"status": "deactivated"}).problem(403, "unauthorized")
	other.post(cl.kid+"/orders", nil).problem(403, "unauthorized")
	other.post(order["finalize"].(string), map[string]any{"csr": csr(t, newKey(t), "a.example")}).problem(403, "unauthorized")
	other.post(order["authorizations"].([]any)[0].(string), nil).problem(403, "unauthorized")
	whole := map[string]any{"status": "deactivated", "contact": []string{"mailto:a@x.example"}, "orders": cl.kid + "/orders"}
	if got := cl.post(cl.kid, whole).want(http.StatusOK).json(); got["status"] != "deactivated" || got["contact"] != nil {
		t.Errorf("deactivated account: %v", got)
	}
	cl.post(cl.kid, nil).problem(401, "unauthorized")
	cl.post(cl.base+"new-order", map[string]any{"identifiers": ids("a.example")}).problem(401, "unauthorized")
	cl.kid = ""
	cl.post(cl.base+"new-account", map[string]any{}).problem(401, "unauthorized")
}

func TestOrdersListHasPages(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl := newClient(t, c).register()
	if r := cl.post(cl.kid+"/orders", nil).want(http.StatusOK); string(r.body) != `{"orders":[]}` {
		t.Errorf("orders of a new account: %s", r.body)
	}
	for range 103 {
		cl.order("a.example")
	}
	r := cl.post(cl.kid+"/orders", nil).want(http.StatusOK)
	links := r.header.Values("Link")
	if len(r.json()["orders"].([]any)) != 100 || len(links) != 2 {
		t.Fatalf("first page: %s, links %v", r.body, links)
	}
	next := links[1][1 : len(links[1])-len(`>;rel="next"`)]
	if got := cl.post(next, nil).want(http.StatusOK).json(); len(got["orders"].([]any)) != 3 {
		t.Errorf("second page: %v", got)
	}
}

// keyChange sends a key change to key; edit changes the inner payload and header.
func (c *client) keyChange(key crypto.Signer, edit func(payload, header map[string]any)) *reply {
	c.t.Helper()
	u := c.base + "key-change"
	payload := map[string]any{"account": c.kid, "oldKey": jwk(c.t, c.key)}
	header := map[string]any{"url": u, "jwk": jwk(c.t, key)}
	if edit != nil {
		edit(payload, header)
	}
	return c.post(u, json.RawMessage(c.sign(encode(c.t, payload), key, header)))
}

func TestKeyChange(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl, other := newClient(t, c).register(), newClient(t, c).register()
	key := newKey(t)
	for name, edit := range map[string]func(p, h map[string]any){
		"another account": func(p, _ map[string]any) { p["account"] = other.kid },
		"another old key": func(p, _ map[string]any) { p["oldKey"] = jwk(t, other.key) },
		"no old key":      func(p, _ map[string]any) { delete(p, "oldKey") },
		"another url":     func(_, h map[string]any) { h["url"] = cl.base + "new-order" },
		"a nonce":         func(_, h map[string]any) { h["nonce"] = "x" },
		"a kid":           func(_, h map[string]any) { h["kid"] = cl.kid },
		"a key not held":  func(_, h map[string]any) { h["jwk"] = jwk(t, other.key) },
	} {
		t.Log(name)
		cl.keyChange(key, edit).problem(400, "malformed")
	}
	r := cl.keyChange(other.key, nil).problem(409, "malformed")
	if r.header.Get("Location") != other.kid {
		t.Errorf("Location %q, want that of the account with the key", r.header.Get("Location"))
	}
	cl.keyChange(cl.key, nil).problem(409, "malformed")
	old := cl.key
	cl.keyChange(key, nil).want(http.StatusOK)
	cl.post(cl.kid, nil).problem(400, "malformed") // signed by the old key
	cl.key = key
	cl.post(cl.kid, nil).want(http.StatusOK)
	fresh := newClient(t, c)
	fresh.key = old
	if fresh.register(); fresh.kid == cl.kid {
		t.Errorf("the old key still has the account")
	}
}
