package acmeserver_test

import (
	"crypto"
	"encoding/json"
	"net/http"
	"testing"

	"stepca/kv/mem"
	"stepca/store"
)

// Section 7.3: accounts.
var section73 = []demand{
	{"7.3", "201 with Location and the account", func(t *testing.T, w *world) {
		cl := w.client(t)
		r := cl.post(cl.base+"new-account", map[string]any{"contact": []string{"mailto:a@x.example"}}).want(http.StatusCreated)
		if got := r.json(); r.header.Get("Location") == "" || got["status"] != "valid" || got["contact"].([]any)[0] != "mailto:a@x.example" {
			t.Errorf("new account %v %s", r.header, r.body)
		}
	}},
	{"7.3", "members of the server and unknown ones are ignored", func(t *testing.T, w *world) {
		cl := w.client(t)
		r := cl.post(cl.base+"new-account", []byte(`{"orders":"https://evil.example/","status":"deactivated","foo":[{}]}`)).want(http.StatusCreated)
		if got := r.json(); got["status"] != "valid" || got["orders"] != r.header.Get("Location")+"/orders" {
			t.Errorf("new account %s", r.body)
		}
	}},
	{"7.3", "unsupportedContact and invalidContact", func(t *testing.T, w *world) {
		cl := w.client(t)
		for contact, typ := range map[string]string{
			"tel:+12025551212": "unsupportedContact", "https://x.example/": "unsupportedContact", "mailto:nobody": "invalidContact",
			"mailto:a@x.example?subject=x": "invalidContact", "mailto:a@x.example,b@x.example": "invalidContact",
		} {
			cl.post(cl.base+"new-account", map[string]any{"contact": []string{contact}}).problem(400, typ)
		}
	}},
	{"7.3", "userActionRequired without agreement, where it is required", func(t *testing.T, _ *world) {
		w := newWorld(t, func(p map[string]any) { p["termsOfService"], p["requireTermsOfService"] = terms, true })
		cl := w.client(t)
		cl.post(cl.base+"new-account", map[string]any{}).problem(http.StatusForbidden, "userActionRequired")
		cl.post(cl.base+"new-account", map[string]any{"termsOfServiceAgreed": true}).want(http.StatusCreated)
	}},
	{"7.3.1", "a known key gets its account, 200 with Location", func(t *testing.T, w *world) {
		cl := w.account(t)
		again := w.client(t)
		again.key = cl.key
		for _, payload := range []map[string]any{{}, {"onlyReturnExisting": true}, {"contact": []string{"mailto:new@x.example"}}} {
			r := again.post(again.base+"new-account", payload).want(http.StatusOK)
			if r.header.Get("Location") != cl.kid || r.json()["contact"] != nil {
				t.Errorf("found account %v %s", r.header, r.body)
			}
		}
	}},
	{"7.3.1", "onlyReturnExisting makes none", func(t *testing.T, w *world) {
		cl := w.client(t)
		for range 2 {
			cl.post(cl.base+"new-account", map[string]any{"onlyReturnExisting": true}).problem(400, "accountDoesNotExist")
		}
	}},
	{"7.3.2", "contacts are updated, other members ignored", func(t *testing.T, w *world) {
		cl := w.account(t)
		got := cl.post(cl.kid, []byte(`{"contact":["mailto:b@x.example"],"orders":"x","termsOfServiceAgreed":false,"status":"revoked","foo":1}`)).want(http.StatusOK).json()
		if got["status"] != "valid" || got["contact"].([]any)[0] != "mailto:b@x.example" || got["orders"] != cl.kid+"/orders" {
			t.Errorf("account %v", got)
		}
	}},
	{"7.3.4", "externalAccountRequired", func(t *testing.T, _ *world) {
		w := newWorld(t, func(p map[string]any) { p["requireEAB"] = true })
		cl := w.client(t)
		cl.post(cl.base+"new-account", map[string]any{}).problem(400, "externalAccountRequired")
	}},
	{"7.3.4", "a binding is verified, reflected, and good once", func(t *testing.T, _ *world) {
		engine := mem.New()
		v := new(validator)
		w := &world{newCAWith(t, v, func(p map[string]any) { p["requireEAB"] = true }, onEngine(engine)), v}
		s := store.New(engine, store.Options{})
		key := externalKey(t, s, "acme/acme", "")
		cl, other := w.client(t), w.client(t)
		post := func(binding json.RawMessage) *reply {
			return cl.post(cl.base+"new-account", map[string]any{"externalAccountBinding": binding})
		}
		post(json.RawMessage(`{}`)).problem(400, "malformed")                                                                // step 1
		post(cl.binding(key, func(h map[string]any) { h["url"] = cl.base })).problem(400, "malformed")                       // step 2
		post(cl.binding(key, func(h map[string]any) { h["nonce"] = "AAAA" })).problem(400, "malformed")                      // step 2
		post(json.RawMessage(cl.sign(nil, cl.key, map[string]any{"kid": key.ID, "url": cl.base}))).problem(400, "malformed") // step 2
		post(cl.binding(&store.ACMEExternalKey{ID: "x", Secret: key.Secret}, nil)).problem(403, "unauthorized")              // step 3
		post(cl.binding(&store.ACMEExternalKey{ID: key.ID, Secret: []byte("x")}, nil)).problem(403, "unauthorized")          // step 4
		post(other.binding(key, nil)).problem(403, "unauthorized")                                                           // step 5
		binding := cl.binding(key, nil)
		r := post(binding).want(http.StatusCreated)
		var got struct{ ExternalAccountBinding json.RawMessage }
		if err := json.Unmarshal(r.body, &got); err != nil || string(got.ExternalAccountBinding) != string(binding) {
			t.Errorf("new account %s, want the binding %s in it", r.body, binding)
		}
		other.post(other.base+"new-account", map[string]any{"externalAccountBinding": other.binding(key, nil)}).problem(403, "unauthorized")
	}},
	{"7.3.4", "a binding that is not verified is not reflected", func(t *testing.T, w *world) {
		cl := w.client(t)
		r := cl.post(cl.base+"new-account", map[string]any{"externalAccountBinding": map[string]any{"payload": "x"}}).want(http.StatusCreated)
		if r.json()["externalAccountBinding"] != nil {
			t.Errorf("new account %s", r.body)
		}
	}},
	{"7.3.5", "each step of a key change is checked", func(t *testing.T, w *world) {
		cl, other := w.account(t), w.account(t)
		key := newKey(t)
		u := cl.base + "key-change"
		cl.post(u, []byte("{}")).problem(400, "malformed") // 2: not a JWS
		for _, edit := range []func(payload, header map[string]any){
			func(_, h map[string]any) { delete(h, "jwk") },                       // 3
			func(_, h map[string]any) { h["jwk"] = jwk(t, other.key) },           // 4
			func(p, _ map[string]any) { p["account"] = 7 },                       // 5
			func(_, h map[string]any) { h["url"] = cl.base + "new-order" },       // 6
			func(p, _ map[string]any) { p["account"] = other.kid },               // 7
			func(p, _ map[string]any) { p["oldKey"] = jwk(t, other.key) },        // 8
			func(_, h map[string]any) { h["nonce"] = "AAAA" },                    // "MUST omit the nonce"
			func(_, h map[string]any) { delete(h, "jwk"); h["kid"] = other.kid }, // 3
		} {
			cl.keyChange(key, edit).problem(400, "malformed")
		}
		if got := cl.post(cl.kid, nil).want(http.StatusOK).json(); got["status"] != "valid" {
			t.Errorf("account %v", got)
		}
	}},
	{"7.3.5", "a key in use is 409, with the Location of its account", func(t *testing.T, w *world) {
		cl, other := w.account(t), w.account(t)
		for _, one := range []*client{cl, other} {
			if r := cl.keyChange(one.key, nil).problem(http.StatusConflict, "malformed"); r.header.Get("Location") != one.kid {
				t.Errorf("Location %q, want %q", r.header.Get("Location"), one.kid)
			}
		}
	}},
	{"7.3.5", "the new key takes over, 200 with the account", func(t *testing.T, w *world) {
		cl := w.account(t)
		u, order := cl.order("a.example")
		var key crypto.Signer = newKey(t)
		if got := cl.keyChange(key, nil).want(http.StatusOK).json(); got["status"] != "valid" {
			t.Errorf("account %v", got)
		}
		cl.post(u, nil).problem(400, "malformed")
		cl.key = key
		cl.prove(order)
	}},
	{"7.3.6", "a deactivated account can do nothing, 401 unauthorized", func(t *testing.T, w *world) {
		cl := w.account(t)
		u, order := cl.order("a.example")
		cl.prove(order)
		if got := cl.post(cl.kid, map[string]any{"status": "deactivated"}).want(http.StatusOK).json(); got["status"] != "deactivated" {
			t.Errorf("account %v", got)
		}
		for _, r := range []*reply{cl.post(cl.kid, nil), cl.post(u, nil), cl.post(cl.base+"new-order", map[string]any{"identifiers": ids("a.example")}),
			cl.post(order["finalize"].(string), map[string]any{"csr": csr(t, newKey(t), "a.example")}), cl.keyChange(newKey(t), nil)} {
			r.problem(http.StatusUnauthorized, "unauthorized")
		}
	}},
	{"7.3.6", "only its key deactivates an account", func(t *testing.T, w *world) {
		cl := w.account(t)
		w.account(t).post(cl.kid, map[string]any{"status": "deactivated"}).problem(403, "unauthorized")
		thief := w.client(t)
		thief.kid = cl.kid
		thief.post(cl.kid, map[string]any{"status": "deactivated"}).problem(400, "malformed")
		cl.post(cl.kid, nil).want(http.StatusOK)
	}},
}
