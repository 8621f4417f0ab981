package acmeserver_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"stepca/acme"
)

// TestHostilePaths sends request lines that no client library does.
func TestHostilePaths(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	address := strings.TrimPrefix(c.URL, "https://")
	for line, want := range map[string]int{
		"GET /acme/acme/directory":                                     200,
		"GET /2.0/acme/acme/directory":                                 200,
		"GET /acme/%61cme/directory":                                   200, // another spelling of the name
		"GET /acme/acme/%64irectory":                                   404,
		"GET /acme/acme%2Fdirectory":                                   404,
		"GET /acme/acme/directory%00":                                  404,
		"GET /acme/acme/directory/x/y/z/" + strings.Repeat("x/", 5000): 404,
		"GET /acme/" + strings.Repeat("x", 20000) + "/directory":       404,
		"GET /acme/%ff%fe/directory":                                   404,
		"GET /acme/%00/directory":                                      404,
		"GET /acme/%zz/directory":                                      400,
		"GET /acme/%2e%2e/directory":                                   404,
		"GET /2.0/2.0/acme/acme/directory":                             404,
		"OPTIONS /acme/acme/directory":                                 405,
		"PROPFIND /acme/acme/new-order":                                405,
		"GET /acme/acme/renewal-info/" + strings.Repeat("A", 20000):    400,
		"GET /acme/acme/renewal-info/%00.%00":                          400,
		"POST /acme/acme/directory":                                    405,
		"GET https://evil.example/acme/acme/directory":                 200, // the absolute form is HTTP's
	} {
		conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", line, address)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%.60s: %v", line, err)
		}
		if resp.StatusCode != want {
			t.Errorf("%.60s: %d, want %d", line, resp.StatusCode, want)
		}
		if n := resp.ContentLength; n > 2000 {
			t.Errorf("%.60s: an answer of %d bytes", line, n)
		}
		resp.Body.Close()
		conn.Close()
	}
}

// A validator that panics is a defect, and ends no more than its attempt.
func TestPanickingValidator(t *testing.T) {
	t.Parallel()
	v := &validator{validate: func(*acme.Validation) (*acme.Attestation, error) { panic("defect") }}
	c := newCA(t, v, nil)
	cl := newClient(t, c).register()
	_, order := cl.order("a.example")
	_, challenge := cl.firstChallenge(order)
	r := cl.post(challenge, map[string]any{}).want(http.StatusOK)
	if got := r.json(); got["status"] != "processing" || got["error"].(map[string]any)["type"] != acme.ProblemPrefix+"serverInternal" || strings.Contains(string(r.body), "defect") {
		t.Errorf("challenge: %s", r.body)
	}
	cl.post(cl.kid, nil).want(http.StatusOK)
}

// TestNotFoundNamesTheResource asks for what there is not.
func TestNotFoundNamesTheResource(t *testing.T) {
	t.Parallel()
	cl := newClient(t, newCA(t, new(validator), nil)).register()
	for path, what := range map[string]string{
		"order/x": "order", "authz/x": "authorization", "challenge/x/y": "authorization", "certificate/x": "certificate",
	} {
		r := cl.post(cl.base+path, nil).problem(http.StatusNotFound, "malformed")
		if want := ": " + what + " not found"; !strings.HasSuffix(r.json()["detail"].(string), want) {
			t.Errorf("%s: %s, want a detail that ends with %q", path, r.body, want)
		}
	}
}
