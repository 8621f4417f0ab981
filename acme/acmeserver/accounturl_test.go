package acmeserver_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestAccountURLIsTheClients has a client name its account by another name of the CA
// than the one it sends requests to: records in the DNS have the client's text.
func TestAccountURLIsTheClients(t *testing.T) {
	t.Parallel()
	v := new(validator)
	c := newCA(t, v, func(p map[string]any) {
		p["challenges"], p["caaIdentities"] = []any{"dns-persist-01"}, []any{"ca.example"}
	})
	cl := newClient(t, c).register()
	cl.kid = strings.Replace(cl.kid, "127.0.0.1", "localhost", 1)
	_, order := cl.order("a.example")
	authz, _ := cl.firstChallenge(order)
	shown := cl.post(authz, nil).want(http.StatusOK).json()["challenges"].([]any)[0].(map[string]any)["accounturi"]
	cl.prove(order)
	if shown != cl.kid || v.seen[0].AccountURL != cl.kid {
		t.Errorf("accounturi %v, validated with %s; want %s", shown, v.seen[0].AccountURL, cl.kid)
	}
}
