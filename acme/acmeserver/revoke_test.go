package acmeserver_test

import (
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"testing"
)

func revocationOf(crt *x509.Certificate, reason any) map[string]any {
	m := map[string]any{"certificate": b64(crt.Raw)}
	if reason != nil {
		m["reason"] = reason
	}
	return m
}

func TestRevocation(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl, other := newClient(t, c).register(), newClient(t, c).register()
	u := cl.base + "revoke-cert"
	crt, _, _ := cl.issue("a.example", "b.example")

	t.Run("refusals", func(t *testing.T) {
		for _, p := range []string{"", "{}", `{"certificate":"%"}`, `{"certificate":"AAAA"}`, `{"certificate":"` + b64(crt.Raw) + `","reason":"x"}`} {
			cl.post(u, []byte(p)).problem(400, "malformed")
		}
		cl.post(u, revocationOf(crt, 7)).problem(400, "badRevocationReason")
		cl.post(u, revocationOf(crt, 11)).problem(400, "badRevocationReason")
		cl.post(u, revocationOf(c.Root, nil)).problem(404, "malformed")
		cl.post(u, revocationOf(c.Issue("z.example").Leaf, nil)).problem(404, "malformed") // not by ACME
		r := other.post(u, revocationOf(crt, nil)).problem(403, "unauthorized")
		if r.json()["detail"] != "No authorization provided" {
			t.Errorf("detail %q", r.json()["detail"])
		}
		stranger := newClient(t, c)
		stranger.post(u, revocationOf(crt, nil)).problem(403, "unauthorized")
	})
	t.Run("by an account that controls all names", func(t *testing.T) {
		_, order := other.order("a.example")
		other.prove(order)
		other.post(u, revocationOf(crt, nil)).problem(403, "unauthorized") // b.example is missing
		_, order = other.order("B.example")
		other.prove(order)
		other.post(u, revocationOf(crt, 4)).want(http.StatusOK)
		cl.post(u, revocationOf(crt, nil)).problem(400, "alreadyRevoked")
	})
	t.Run("by the account that ordered it", func(t *testing.T) {
		crt, _, _ := cl.issue("c.example")
		if r := cl.post(u, revocationOf(crt, nil)).want(http.StatusOK); len(r.body) != 0 {
			t.Errorf("body %q, want none", r.body)
		}
	})
	t.Run("by the certificate's key", func(t *testing.T) {
		crt, key, _ := cl.issue("d.example")
		holder := newClient(t, c)
		holder.key = key
		holder.post(c.URL+"/acme/other/revoke-cert", revocationOf(crt, 1)).want(http.StatusOK)
	})
}

func TestDeactivatedAuthorization(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl := newClient(t, c).register()
	u, order := cl.order("a.example", "b.example")
	cl.prove(order)
	authz := order["authorizations"].([]any)[0].(string)
	cl.post(authz, map[string]any{"status": "valid"}).problem(400, "malformed")
	for range 2 {
		if got := cl.post(authz, map[string]any{"status": "deactivated"}).want(http.StatusOK).json(); got["status"] != "deactivated" {
			t.Errorf("authorization: %v", got)
		}
	}
	if got := cl.post(u, nil).want(http.StatusOK).json(); got["status"] != "invalid" || got["error"] == nil {
		t.Errorf("order with a deactivated authorization: %v, want it invalid and why", got)
	}
	cl.post(order["finalize"].(string), map[string]any{"csr": csr(t, newKey(t), "a.example", "b.example")}).problem(403, "orderNotReady")
}

func TestFinalizeRefusals(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl := newClient(t, c).register()
	u, order := cl.order("a.example")
	cl.prove(order)
	finalize := order["finalize"].(string)
	key := newKey(t)
	for name, request := range map[string]string{
		"a name missing":        encodeCSR(t, key, &x509.CertificateRequest{}),
		"the account's key":     csr(t, cl.key, "a.example"),
		"an e-mail address too": encodeCSR(t, key, &x509.CertificateRequest{DNSNames: []string{"a.example"}, EmailAddresses: []string{"a@a.example"}}),
		"not a CSR":             b64([]byte("x")),
	} {
		t.Log(name)
		cl.post(finalize, map[string]any{"csr": request}).problem(400, "badCSR")
	}
	damaged, err := base64.RawURLEncoding.DecodeString(csr(t, key, "a.example"))
	if err != nil {
		t.Fatal(err)
	}
	damaged[len(damaged)-1] ^= 1
	cl.post(finalize, map[string]any{"csr": b64(damaged)}).problem(400, "badCSR")
	if got := cl.post(u, nil).json(); got["status"] != "ready" {
		t.Errorf("order after refused requests: %v, want it ready", got)
	}
	padded := csr(t, key, "a.example") + "=="
	cl.post(finalize, map[string]any{"csr": padded}).want(http.StatusOK)
}

// TestRevokingInVainIsLimited has an account ask for what is not its own, for which its
// orders are searched each time.
func TestRevokingInVainIsLimited(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	owner, stranger := newClient(t, c).register(), newClient(t, c).register()
	theirs, _, _ := owner.issue("a.example")
	own, _, _ := stranger.issue("b.example")
	for range 60 {
		stranger.post(stranger.base+"revoke-cert", revocationOf(theirs, nil)).problem(403, "unauthorized")
	}
	r := stranger.post(stranger.base+"revoke-cert", revocationOf(theirs, nil)).problem(429, "rateLimited")
	if r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	stranger.post(stranger.base+"revoke-cert", revocationOf(own, nil)).want(http.StatusOK)
	owner.post(owner.base+"revoke-cert", revocationOf(theirs, nil)).want(http.StatusOK)
}
