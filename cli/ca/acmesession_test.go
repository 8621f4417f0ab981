package ca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/mholt/acmez/v3/acme"
)

// A server that objects to what an order replaces gets the order without that; its
// other objections are final.
func TestReplacesIsACourtesy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		problem string
		made    bool
	}{
		{acme.ProblemTypeAlreadyReplaced, true},
		{acme.ProblemTypeMalformed, true},
		{acme.ProblemTypeUnauthorized, true},
		{acme.ProblemTypeServerInternal, true},
		{acme.ProblemTypeRejectedIdentifier, false},
	} {
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Replay-Nonce", rand.Text())
			w.Header().Set("Content-Type", "application/json")
			here := "https://" + r.Host
			switch r.URL.Path {
			case "/directory":
				fmt.Fprintf(w, `{"newNonce": %q, "newOrder": %q}`, here+"/nonce", here+"/order")
			case "/order":
				var jws struct{ Payload string }
				var order struct{ Replaces string }
				if err := json.NewDecoder(r.Body).Decode(&jws); err != nil {
					t.Error(err)
				}
				payload, err := base64.RawURLEncoding.DecodeString(jws.Payload)
				if err != nil || json.Unmarshal(payload, &order) != nil {
					t.Errorf("payload %q: %v", jws.Payload, err)
				}
				if order.Replaces != "" {
					w.Header().Set("Content-Type", "application/problem+json")
					w.WriteHeader(http.StatusBadRequest)
					fmt.Fprintf(w, `{"type": %q}`, tt.problem)
					return
				}
				w.WriteHeader(http.StatusCreated)
				fmt.Fprint(w, `{"status": "pending"}`)
			}
		}))
		defer server.Close()
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		s := &acmeSession{
			client:  &acme.Client{Directory: server.URL + "/directory", HTTPClient: server.Client()},
			account: acme.Account{Location: server.URL + "/account/1", PrivateKey: key},
		}
		if _, err := s.order(t.Context(), acme.Order{Replaces: "a.b"}); (err == nil) != tt.made {
			t.Errorf("%s: %v, want an order %v", tt.problem, err, tt.made)
		}
	}
}
