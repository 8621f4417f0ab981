package acmeserver_test

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"stepca/acme"
	"stepca/kv/mem"
)

// Sections 7.4 to 7.6: certificates, authorizations, revocation.
var section74 = []demand{
	{"7.4", "201 with Location and an authorization for each name", func(t *testing.T, w *world) {
		cl := w.account(t)
		r := cl.post(cl.base+"new-order", map[string]any{"identifiers": ids("a.example", "b.example", "ip=127.0.0.1")}).want(http.StatusCreated)
		if r.header.Get("Location") == "" || len(r.json()["authorizations"].([]any)) != 3 {
			t.Errorf("order %v %s", r.header, r.body)
		}
	}},
	{"7.4", "what cannot be fulfilled as asked for is refused", func(t *testing.T, w *world) {
		cl := w.account(t)
		year := time.Now().Add(366 * 24 * time.Hour).UTC().Format(time.RFC3339)
		month := time.Now().Add(30 * 24 * time.Hour).UTC().Format(time.RFC3339)
		for _, payload := range []map[string]any{
			{"identifiers": ids("a.example"), "notAfter": year},
			{"identifiers": ids("a.example"), "notBefore": year},
			{"identifiers": ids("a.example"), "notBefore": month}, // long after the names were proved
			{"identifiers": ids("a.example"), "notAfter": "2000-01-01T00:00:00Z"},
		} {
			cl.post(cl.base+"new-order", payload).problem(400, "malformed")
		}
		cl.post(cl.base+"new-order", map[string]any{"identifiers": ids("tel=1")}).problem(400, "unsupportedIdentifier")
	}},
	{"7.4", "the certificate has the contents asked for and no others", func(t *testing.T, w *world) {
		cl := w.account(t)
		from, to := time.Now().UTC().Truncate(time.Second), time.Now().UTC().Add(5*time.Hour).Truncate(time.Second)
		order := cl.post(cl.base+"new-order", map[string]any{
			"identifiers": ids("b.example", "a.example", "ip=127.0.0.1"), "notBefore": from.Format(time.RFC3339), "notAfter": to.Format(time.RFC3339),
		}).want(http.StatusCreated).json()
		cl.prove(order)
		key := newKey(t)
		request := encodeCSR(t, key, &x509.CertificateRequest{
			Subject: pkix.Name{CommonName: "a.example", Country: []string{"XX"}}, DNSNames: []string{"b.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		})
		done := cl.post(order["finalize"].(string), map[string]any{"csr": request}).want(http.StatusOK).json()
		leaf := parseChain(t, cl.post(done["certificate"].(string), nil).body)[0]
		if !key.PublicKey.Equal(leaf.PublicKey) || strings.Join(leaf.DNSNames, " ") != "a.example b.example" || len(leaf.IPAddresses) != 1 || leaf.IsCA ||
			!leaf.NotBefore.Equal(from) || !leaf.NotAfter.Equal(to) {
			t.Errorf("leaf for %v %v, from %v to %v", leaf.DNSNames, leaf.IPAddresses, leaf.NotBefore, leaf.NotAfter)
		}
	}},
	{"7.4", "finalize before ready is 403 orderNotReady", func(t *testing.T, w *world) {
		cl := w.account(t)
		_, order := cl.order("a.example")
		cl.post(order["finalize"].(string), map[string]any{"csr": csr(t, newKey(t), "a.example")}).problem(http.StatusForbidden, "orderNotReady")
	}},
	{"7.4", "a CSR of other names is badCSR, and the order stays ready", func(t *testing.T, w *world) {
		cl := w.account(t)
		u, order := cl.order("a.example", "b.example")
		cl.prove(order)
		for _, names := range [][]string{{"a.example"}, {"a.example", "b.example", "c.example"}, {"a.example", "c.example"}, {}} {
			cl.post(order["finalize"].(string), map[string]any{"csr": csr(t, newKey(t), names...)}).problem(400, "badCSR")
		}
		if got := cl.post(u, nil).json()["status"]; got != "ready" {
			t.Errorf("order is %v", got)
		}
		cl.post(order["finalize"].(string), map[string]any{"csr": csr(t, newKey(t), "B.example", "A.example")}).want(http.StatusOK) // any case and order
	}},
	{"7.4", "processing while the key signs, with Retry-After", func(t *testing.T, _ *world) {
		engine, v := mem.New(), new(validator)
		w := &world{newCAWith(t, v, nil, onEngine(engine)), v}
		cl := w.account(t)
		u, order := cl.order("a.example")
		cl.prove(order)
		editOrder(t, engine, order, func(o *acme.Order) {
			if err := o.Begin("claim", time.Now().Add(time.Minute), time.Now()); err != nil {
				t.Fatal(err)
			}
		})
		finalize := func() *reply {
			return cl.post(order["finalize"].(string), map[string]any{"csr": csr(t, newKey(t), "a.example")})
		}
		for _, r := range []*reply{cl.post(u, nil), finalize()} {
			if got := r.want(http.StatusOK).json(); got["status"] != "processing" || got["certificate"] != nil || r.header.Get("Retry-After") == "" {
				t.Errorf("order %v %s", r.header, r.body)
			}
		}
	}},
	{"7.4.1", "an authorization without an order, not for wildcards", func(t *testing.T, w *world) {
		cl := w.account(t)
		u, ok := cl.send(http.MethodGet, cl.base+"directory").json()["newAuthz"].(string)
		if !ok {
			t.Fatal("newAuthz is not offered")
		}
		r := cl.post(u, map[string]any{"identifier": ids("pre.example")[0]}).want(http.StatusCreated)
		if got := r.json(); got["status"] != "pending" || r.header.Get("Location") == "" || len(got["challenges"].([]any)) == 0 {
			t.Errorf("authorization %v %s", r.header, r.body)
		}
		cl.post(u, map[string]any{"identifier": ids("*.pre.example")[0]}).problem(400, "malformed")
		cl.post(u, map[string]any{"identifier": ids("email=x")[0]}).problem(400, "unsupportedIdentifier")
		if got := cl.post(cl.kid+"/orders", nil).json()["orders"].([]any); len(got) != 0 {
			t.Errorf("it is among the orders: %v", got)
		}
	}},
	{"7.4.2", "a chain in PEM, leaf first, each certified by the next", func(t *testing.T, w *world) {
		cl := w.account(t)
		_, _, u := cl.issue("a.example")
		r := cl.post(cl.post(u, nil).json()["certificate"].(string), nil).want(http.StatusOK)
		chain := parseChain(t, r.body)
		if r.header.Get("Content-Type") != "application/pem-certificate-chain" || chain[0].IsCA || len(chain) < 2 {
			t.Errorf("chain %v, %d certificates", r.header, len(chain))
		}
		for i, crt := range chain[1:] {
			if err := chain[i].CheckSignatureFrom(crt); err != nil {
				t.Error(err)
			}
		}
		if _, rest := pem.Decode(r.body); bytes.Contains(r.body, []byte("PRIVATE")) || !bytes.HasPrefix(rest, []byte("-----BEGIN CERTIFICATE")) {
			t.Errorf("body %s", r.body)
		}
	}},
	{"7.4.2", "POST-as-GET, by the account that ordered it", func(t *testing.T, w *world) {
		cl := w.account(t)
		_, _, order := cl.finished("a.example")
		u := order["certificate"].(string)
		w.account(t).post(u, nil).problem(403, "unauthorized")
		cl.post(u, []byte("{}")).problem(400, "malformed")
		cl.send(http.MethodGet, u).problem(http.StatusMethodNotAllowed, "malformed")
	}},
	{"7.4.2", "a certificate does not change", func(t *testing.T, w *world) {
		cl := w.account(t)
		_, _, order := cl.finished("a.example")
		first := cl.post(order["certificate"].(string), nil).body
		cl.post(order["finalize"].(string), map[string]any{"csr": csr(t, newKey(t), "a.example")}).want(http.StatusOK)
		if again := cl.post(order["certificate"].(string), nil).body; !bytes.Equal(first, again) {
			t.Error("the certificate is another one")
		}
	}},
	{"7.5.1", "the answer is the challenge, with a link to its authorization", func(t *testing.T, w *world) {
		cl := w.account(t)
		_, order := cl.order("a.example")
		authz, challenge := cl.firstChallenge(order)
		r := cl.post(challenge, map[string]any{}).want(http.StatusOK)
		if links := r.header.Values("Link"); r.json()["url"] != challenge || links[len(links)-1] != "<"+authz+`>;rel="up"` {
			t.Errorf("challenge %v %s", r.header, r.body)
		}
	}},
	{"7.5.1", "unknown members of a response are ignored", func(t *testing.T, w *world) {
		cl := w.account(t)
		_, order := cl.order("a.example")
		_, challenge := cl.firstChallenge(order)
		if got := cl.post(challenge, []byte(`{"keyAuthorization":"x","status":"invalid","foo":[]}`)).want(http.StatusOK).json(); got["status"] != "valid" {
			t.Errorf("challenge %v", got)
		}
	}},
	{"7.5.1", "a valid authorization says until when", func(t *testing.T, w *world) {
		cl := w.account(t)
		_, order := cl.order("a.example")
		cl.prove(order)
		got := cl.post(order["authorizations"].([]any)[0].(string), nil).json()
		if expires, err := time.Parse(time.RFC3339, got["expires"].(string)); err != nil || expires.Before(time.Now()) {
			t.Errorf("authorization %v", got)
		}
	}},
	{"7.5.1", "an invalid challenge says why", func(t *testing.T, _ *world) {
		w := newWorld(t, nil)
		w.v.validate = func(*acme.Validation) (*acme.Attestation, error) {
			return nil, acme.NewProblem(acme.ProblemIncorrectResponse, "no")
		}
		cl := w.account(t)
		_, order := cl.order("a.example")
		authz, challenge := cl.firstChallenge(order)
		if got := cl.post(challenge, map[string]any{}).json(); got["status"] != "invalid" || got["error"].(map[string]any)["type"] != acme.ProblemPrefix+"incorrectResponse" {
			t.Errorf("challenge %v", got)
		}
		got := cl.post(authz, nil).json()
		if got["status"] != "invalid" || got["challenges"].([]any)[0].(map[string]any)["error"] == nil {
			t.Errorf("authorization %v, want its invalid challenge kept", got)
		}
	}},
	{"7.5.2", "a deactivated authorization counts for nothing", func(t *testing.T, w *world) {
		cl := w.account(t)
		_, order := cl.order("a.example")
		cl.prove(order)
		authz := order["authorizations"].([]any)[0].(string)
		w.account(t).post(authz, map[string]any{"status": "deactivated"}).problem(403, "unauthorized")
		if got := cl.post(authz, map[string]any{"status": "deactivated"}).want(http.StatusOK).json(); got["status"] != "deactivated" {
			t.Errorf("authorization %v", got)
		}
		cl.post(order["finalize"].(string), map[string]any{"csr": csr(t, newKey(t), "a.example")}).problem(403, "orderNotReady")
	}},
	{"7.6", "by the account that ordered, by one that controls all names, by the key", func(t *testing.T, w *world) {
		cl, other := w.account(t), w.account(t)
		first, _, _ := cl.issue("r1.example")
		second, _, _ := cl.issue("r2.example")
		third, key, _ := cl.issue("r3.example")
		u := cl.base + "revoke-cert"
		cl.post(u, revocationOf(first, nil)).want(http.StatusOK)
		_, order := other.order("r2.example")
		other.prove(order)
		other.post(u, revocationOf(second, nil)).want(http.StatusOK)
		holder := w.client(t)
		holder.key = key
		holder.post(u, revocationOf(third, nil)).want(http.StatusOK)
	}},
	{"7.6", "by nobody else", func(t *testing.T, w *world) {
		cl := w.account(t)
		crt, _, _ := cl.issue("r4.example")
		for _, one := range []*client{w.account(t), w.client(t)} {
			one.post(one.base+"revoke-cert", revocationOf(crt, nil)).problem(403, "unauthorized")
		}
	}},
	{"7.6", "alreadyRevoked, badRevocationReason", func(t *testing.T, w *world) {
		cl := w.account(t)
		crt, _, _ := cl.issue("r5.example")
		cl.post(cl.base+"revoke-cert", revocationOf(crt, 7)).problem(400, "badRevocationReason")
		cl.post(cl.base+"revoke-cert", revocationOf(crt, 1)).want(http.StatusOK)
		cl.post(cl.base+"revoke-cert", revocationOf(crt, 1)).problem(400, "alreadyRevoked")
	}},
}
