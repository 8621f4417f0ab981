package acmeserver_test

import (
	"net/http"
	"testing"
)

// TestPreflight asks as a browser does before it sends a request whose media type is
// not that of a form.
func TestPreflight(t *testing.T) {
	t.Parallel()
	cl := newClient(t, newCA(t, new(validator), nil))
	for resource, methods := range map[string]string{"new-order": "POST", "new-nonce": "GET, HEAD"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, cl.base+resource, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", "https://client.example")
		cl.do(req).problem(http.StatusMethodNotAllowed, "malformed") // no preflight without the next line
		req.Header.Set("Access-Control-Request-Method", http.MethodPost)
		req.Header.Set("Access-Control-Request-Headers", "content-type")
		h := cl.do(req).want(http.StatusNoContent).header
		if h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Methods") != methods ||
			h.Get("Access-Control-Allow-Headers") != "Content-Type" {
			t.Errorf("preflight of %s: %v", resource, h)
		}
	}
}
