package acmeserver_test

import (
	"crypto/x509"
	"encoding/base64"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"stepca/acme"
	"stepca/jose"
)

// Chapters 8 to 11: challenges as the account sees them, and security. What
// validation does on the network is tested in package va.
var chapter8 = []demand{
	{"8", "tokens have 128 bits, in base64url", func(t *testing.T, w *world) {
		cl := w.account(t)
		seen := map[string]bool{}
		for range 20 {
			_, order := cl.order("a.example")
			token := cl.post(order["authorizations"].([]any)[0].(string), nil).json()["challenges"].([]any)[0].(map[string]any)["token"].(string)
			if raw, err := base64.RawURLEncoding.DecodeString(token); err != nil || len(raw) < 16 || seen[token] {
				t.Errorf("token %q, seen before: %v", token, seen[token])
			}
			seen[token] = true
		}
	}},
	{"8.1", "the key authorization is the token and the account key's thumbprint", func(t *testing.T, _ *world) {
		w := newWorld(t, nil)
		cl := w.account(t)
		_, order := cl.order("a.example")
		cl.prove(order)
		thumbprint, err := jose.Thumbprint(jwk(t, cl.key))
		if err != nil {
			t.Fatal(err)
		}
		if got := w.v.seen[0]; got.KeyAuthorization != got.Token+"."+thumbprint {
			t.Errorf("key authorization %q of token %q and key %q", got.KeyAuthorization, got.Token, thumbprint)
		}
	}},
	{"8.2", "processing while it tries, with the error and Retry-After", func(t *testing.T, _ *world) {
		w := newWorld(t, nil)
		w.v.validate = func(*acme.Validation) (*acme.Attestation, error) {
			return nil, acme.NewProblem(acme.ProblemConnection, "refused")
		}
		cl := w.account(t)
		_, order := cl.order("a.example")
		authz, challenge := cl.firstChallenge(order)
		r := cl.post(challenge, map[string]any{}).want(http.StatusOK)
		got := r.json()
		if got["status"] != "processing" || got["error"].(map[string]any)["type"] != acme.ProblemPrefix+"connection" || r.header.Get("Retry-After") == "" {
			t.Errorf("challenge %v %s", r.header, r.body)
		}
		if got := cl.post(authz, nil).json(); got["status"] != "pending" {
			t.Errorf("authorization %v", got)
		}
	}},
	{"8.2", "a client may ask for another attempt", func(t *testing.T, _ *world) {
		w := newWorld(t, nil)
		attempts := 0
		w.v.validate = func(*acme.Validation) (*acme.Attestation, error) {
			if attempts++; attempts == 1 {
				return nil, acme.NewProblem(acme.ProblemConnection, "refused")
			}
			return nil, nil
		}
		cl := w.account(t)
		_, order := cl.order("a.example")
		_, challenge := cl.firstChallenge(order)
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
			if cl.post(challenge, map[string]any{}).want(http.StatusOK).json()["status"] == "valid" {
				return
			}
		}
		t.Error("the challenge did not become valid")
	}},
	{"8.3", "no http-01 for wildcards", func(t *testing.T, w *world) {
		cl := w.account(t)
		_, order := cl.order("*.a.example")
		for _, c := range cl.post(order["authorizations"].([]any)[0].(string), nil).json()["challenges"].([]any) {
			if typ := c.(map[string]any)["type"].(string); !strings.HasPrefix(typ, "dns-") {
				t.Errorf("a wildcard is offered %s", typ)
			}
		}
	}},
	{"9.1", "the chain is application/pem-certificate-chain", func(t *testing.T, w *world) {
		cl := w.account(t)
		_, _, order := cl.finished("a.example")
		r := cl.post(order["certificate"].(string), nil).want(http.StatusOK)
		if r.header.Get("Content-Type") != "application/pem-certificate-chain" || !strings.HasPrefix(string(r.body), "-----BEGIN CERTIFICATE-----\n") || !strings.HasSuffix(string(r.body), "-----END CERTIFICATE-----\n") {
			t.Errorf("chain %v %s", r.header, r.body)
		}
	}},
	{"10.2", "one account's proof is not another's", func(t *testing.T, w *world) {
		cl, other := w.account(t), w.account(t)
		_, order := cl.order("a.example")
		cl.prove(order)
		_, second := other.order("a.example")
		if got := other.post(second["authorizations"].([]any)[0].(string), nil).json()["status"]; got != "pending" {
			t.Errorf("authorization of another account is %v", got)
		}
	}},
	{"11.1", "the key of a certificate is not the account's", func(t *testing.T, w *world) {
		cl := w.account(t)
		_, order := cl.order("a.example")
		cl.prove(order)
		cl.post(order["finalize"].(string), map[string]any{"csr": csr(t, cl.key, "a.example")}).problem(400, "badCSR")
	}},
	{"11.3", "IDs and URLs cannot be guessed", func(t *testing.T, w *world) {
		cl := w.account(t)
		u, order := cl.order("a.example")
		for _, u := range []string{cl.kid, u, order["authorizations"].([]any)[0].(string)} {
			if id := u[strings.LastIndex(u, "/")+1:]; len(id) < 32 {
				t.Errorf("ID %q", id)
			}
		}
	}},
}

// RFC 8738: addresses as identifiers.
var rfc8738 = []demand{
	{"3", "an address is in the text of RFC 1123 or RFC 5952", func(t *testing.T, w *world) {
		cl := w.account(t)
		for value, want := range map[string]string{"192.0.2.1": "192.0.2.1", "2001:db8:0:0:0:0:0:1": "2001:db8::1", "2001:DB8::1": "2001:db8::1", "::ffff:192.0.2.1": "192.0.2.1"} {
			_, order := cl.order("ip=" + value)
			if got := order["identifiers"].([]any)[0].(map[string]any)["value"]; got != want {
				t.Errorf("%s became %v, want %s", value, got, want)
			}
		}
		for _, value := range []string{"192.0.2", "192.0.2.01", "192.0.2.0/24", "fe80::1%1", "[::1]", "1.2.0.192.in-addr.arpa"} {
			cl.post(cl.base+"new-order", map[string]any{"identifiers": ids("ip=" + value)}).problem(400, "malformed")
		}
	}},
	{"3", "an address in the CSR is an iPAddress", func(t *testing.T, w *world) {
		cl := w.account(t)
		_, order := cl.order("ip=127.0.0.1")
		cl.prove(order)
		cl.post(order["finalize"].(string), map[string]any{"csr": csr(t, newKey(t), "127.0.0.1")}).problem(400, "badCSR")
		request := encodeCSR(t, newKey(t), &x509.CertificateRequest{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
		done := cl.post(order["finalize"].(string), map[string]any{"csr": request}).want(http.StatusOK).json()
		leaf := parseChain(t, cl.post(done["certificate"].(string), nil).body)[0]
		if len(leaf.IPAddresses) != 1 || len(leaf.DNSNames) != 0 {
			t.Errorf("leaf for %v %v", leaf.IPAddresses, leaf.DNSNames)
		}
	}},
}
