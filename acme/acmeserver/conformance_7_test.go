package acmeserver_test

import (
	"net/http"
	"strings"
	"testing"
)

// Sections 7.1 and 7.2: resources, their objects, and nonces.
var chapter7 = []demand{
	{"7.1", "a link to the directory from all resources", func(t *testing.T, w *world) {
		cl := w.account(t)
		crt, _, u := cl.issue("a.example")
		order := cl.post(u, nil).json()
		authz, challenge := cl.firstChallenge(order)
		want := "<" + cl.base + `directory>;rel="index"`
		for _, r := range []*reply{
			cl.send(http.MethodHead, cl.base+"new-nonce"), cl.post(cl.kid, nil), cl.post(cl.kid+"/orders", nil), cl.post(u, nil), cl.post(authz, nil), cl.post(challenge, nil),
			cl.post(order["certificate"].(string), nil), cl.post(cl.base+"new-order", []byte("{}")), cl.post(cl.base+"revoke-cert", revocationOf(crt, nil)),
			cl.send(http.MethodGet, renewalInfoURL(cl, crt)),
		} {
			if links := r.header.Values("Link"); len(links) == 0 || links[0] != want {
				t.Errorf("answer %s has links %v", r.body, links)
			}
		}
	}},
	{"7.1.1", "a directory of all resources, and none that is not there", func(t *testing.T, w *world) {
		cl := w.client(t)
		r := cl.send(http.MethodGet, cl.base+"directory").want(http.StatusOK)
		got := r.json()
		if r.header.Get("Content-Type") != "application/json" || got["meta"] != nil {
			t.Errorf("directory %v %s", r.header, r.body)
		}
		for _, name := range []string{"newNonce", "newAccount", "newOrder", "revokeCert", "keyChange"} {
			if got[name] == nil {
				t.Errorf("the directory has no %s", name)
			}
		}
		for name, u := range got {
			if r := cl.post(u.(string), nil); r.status == http.StatusNotFound && name != "renewalInfo" {
				t.Errorf("%s is not there: %d", name, r.status)
			}
		}
	}},
	{"7.1.1", "meta", func(t *testing.T, _ *world) {
		w := newWorld(t, func(p map[string]any) {
			p["termsOfService"], p["website"], p["caaIdentities"], p["requireEAB"] = "https://ca.example/tos", "https://ca.example/", []any{"ca.example"}, true
		})
		meta := w.client(t).send(http.MethodGet, w.client(t).base+"directory").json()["meta"].(map[string]any)
		if meta["termsOfService"] != "https://ca.example/tos" || meta["website"] != "https://ca.example/" || meta["externalAccountRequired"] != true || meta["caaIdentities"].([]any)[0] != "ca.example" {
			t.Errorf("meta %v", meta)
		}
	}},
	{"7.1.2", "status and orders of an account", func(t *testing.T, w *world) {
		cl := w.account(t)
		got := cl.post(cl.kid, nil).json()
		if got["status"] != "valid" || !strings.HasPrefix(got["orders"].(string), cl.kid) {
			t.Errorf("account %v", got)
		}
	}},
	{"7.1.2.1", "a list of orders, with the next page", func(t *testing.T, w *world) {
		cl := w.account(t)
		want := map[any]bool{}
		for range 101 {
			u, _ := cl.order("a.example")
			want[u] = true
		}
		for u := cl.kid + "/orders"; u != ""; {
			r := cl.post(u, nil).want(http.StatusOK)
			u = ""
			for _, o := range r.json()["orders"].([]any) {
				delete(want, o)
			}
			for _, link := range r.header.Values("Link") {
				if next, ok := strings.CutSuffix(link, `>;rel="next"`); ok {
					u = next[1:]
				}
			}
		}
		if len(want) != 0 {
			t.Errorf("%d orders are not in the list", len(want))
		}
	}},
	{"7.1.3", "status, expires, identifiers, authorizations, finalize of an order", func(t *testing.T, w *world) {
		cl := w.account(t)
		_, order := cl.order("a.example", "b.example")
		if order["status"] != "pending" || order["expires"] == nil || len(order["identifiers"].([]any)) != 2 || len(order["authorizations"].([]any)) != 2 || order["finalize"] == nil || order["certificate"] != nil {
			t.Errorf("order %v", order)
		}
	}},
	{"7.1.3", "no wildcard prefix in an authorization", func(t *testing.T, w *world) {
		cl := w.account(t)
		_, order := cl.order("*.a.example")
		got := cl.post(order["authorizations"].([]any)[0].(string), nil).json()
		if got["identifier"].(map[string]any)["value"] != "a.example" || got["wildcard"] != true {
			t.Errorf("authorization %v", got)
		}
		if got := order["identifiers"].([]any)[0].(map[string]any)["value"]; got != "*.a.example" {
			t.Errorf("the order is for %v", got)
		}
	}},
	{"7.1.4", "identifier, status, expires, challenges of an authorization", func(t *testing.T, w *world) {
		cl := w.account(t)
		_, order := cl.order("a.example")
		cl.prove(order)
		got := cl.post(order["authorizations"].([]any)[0].(string), nil).json()
		if got["identifier"] == nil || got["status"] != "valid" || got["expires"] == nil || len(got["challenges"].([]any)) == 0 || got["wildcard"] == true {
			t.Errorf("authorization %v", got)
		}
	}},
	{"7.1.4", "A-labels are verified", func(t *testing.T, w *world) {
		cl := w.account(t)
		for _, name := range []string{"xn--a.example", "xn--.example", "xn--a-ecp.example", "www.xn--zzzzz99999.example"} {
			cl.post(cl.base+"new-order", map[string]any{"identifiers": ids(name)}).problem(400, "malformed")
		}
	}},
	{"7.1.5", "url, type, status, and when validated", func(t *testing.T, w *world) {
		cl := w.account(t)
		_, order := cl.order("a.example")
		_, challenge := cl.firstChallenge(order)
		got := cl.post(challenge, map[string]any{}).want(http.StatusOK).json()
		if got["url"] != challenge || got["type"] == nil || got["status"] != "valid" || got["validated"] == nil || got["error"] != nil {
			t.Errorf("challenge %v", got)
		}
	}},
	{"7.1.6", "orders go from pending to ready to valid", func(t *testing.T, w *world) {
		cl := w.account(t)
		u, order := cl.order("a.example", "b.example")
		authzs := order["authorizations"].([]any)
		for i, want := range []string{"pending", "ready"} {
			cl.prove(map[string]any{"authorizations": authzs[i : i+1]})
			if got := cl.post(u, nil).json()["status"]; got != want {
				t.Errorf("order after %d authorizations is %v, want %s", i+1, got, want)
			}
		}
		done := cl.post(order["finalize"].(string), map[string]any{"csr": csr(t, newKey(t), "a.example", "b.example")}).json()
		if done["status"] != "valid" || done["certificate"] == nil {
			t.Errorf("finalized order %v", done)
		}
	}},
	{"7.2", "HEAD 200, GET 204, a nonce, not stored", func(t *testing.T, w *world) {
		cl := w.client(t)
		for method, status := range map[string]int{http.MethodHead: 200, http.MethodGet: 204} {
			r := cl.send(method, cl.base+"new-nonce").want(status)
			if r.header.Get("Replay-Nonce") == "" || r.header.Get("Cache-Control") != "no-store" || len(r.body) != 0 {
				t.Errorf("%s: %v %q", method, r.header, r.body)
			}
		}
	}},
}
