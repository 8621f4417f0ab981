package acmeserver_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"stepca/acme"
)

const terms = "https://ca.example/terms"

// TestTermsOfService: agreement is demanded only if the provisioner says so.
func TestTermsOfService(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), func(p map[string]any) { p["termsOfService"], p["requireTermsOfService"] = terms, true })
	cl := newClient(t, c)
	u := cl.base + "new-account"
	if meta := cl.send(http.MethodGet, cl.base+"directory").json()["meta"].(map[string]any); meta["termsOfService"] != terms {
		t.Errorf("meta: %v", meta)
	}
	for _, payload := range []map[string]any{{}, {"termsOfServiceAgreed": false}} {
		r := cl.post(u, payload).problem(http.StatusForbidden, "userActionRequired")
		var p acme.Problem
		if err := json.Unmarshal(r.body, &p); err != nil || p.Instance != terms {
			t.Errorf("refusal %s, want its instance to be %s", r.body, terms)
		}
		if !slices.Contains(r.header.Values("Link"), "<"+terms+`>;rel="terms-of-service"`) {
			t.Errorf("links %q", r.header.Values("Link"))
		}
	}
	cl.register()
	cl.kid = ""
	cl.post(u, map[string]any{"onlyReturnExisting": true}).want(http.StatusOK)
	cl.post(u, map[string]any{}).want(http.StatusOK) // the account is there
}

// TestTermsOfServiceAreShown and not enforced unless the provisioner says so.
func TestTermsOfServiceAreShown(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), func(p map[string]any) { p["termsOfService"] = terms })
	cl := newClient(t, c)
	cl.post(cl.base+"new-account", map[string]any{}).want(http.StatusCreated)
}
