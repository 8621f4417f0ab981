package acmeserver_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"stepca/acme"
	"stepca/kv"
	"stepca/kv/mem"
	"stepca/store"
)

// caaValidator is a validator that looks up CAA records, for which records says what
// they are.
type caaValidator struct {
	validator

	mu      sync.Mutex
	records func(*acme.Validation) error
	looked  []acme.Validation
}

func (v *caaValidator) CheckCAA(_ context.Context, what *acme.Validation) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.looked = append(v.looked, *what)
	return v.records(what)
}

func withCAA(p map[string]any) {
	p["checkCAA"], p["caaIdentities"] = true, []any{"ca.example"}
}

// editOrder changes an order behind the server's back.
func editOrder(t *testing.T, engine kv.Engine, order map[string]any, edit func(*acme.Order)) {
	t.Helper()
	s := store.New(engine, store.Options{})
	_, err := s.UpdateOrder(t.Context(), order["id"].(string), nil, func(rec *store.ACMEOrder) error {
		o, err := acme.LoadOrder(rec)
		if err != nil {
			return err
		}
		edit(o)
		return o.Save(rec, rec.ExpiresAt)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestCAAIsLookedUpAgain finalizes orders whose names' CAA records changed since
// their validation.
func TestCAAIsLookedUpAgain(t *testing.T) {
	t.Parallel()
	engine := mem.New()
	v := new(caaValidator)
	c := newCAWith(t, v, withCAA, onEngine(engine))
	cl := newClient(t, c).register()
	refusing := func(names ...string) {
		v.records = func(what *acme.Validation) error {
			for _, n := range names {
				if what.Identifier.Value == n {
					return acme.NewProblem(acme.ProblemCAA, "the CAA records of %s forbid it", n)
				}
			}
			return nil
		}
	}
	ready := func(age time.Duration, names ...string) (order, request map[string]any) {
		_, order = cl.order(names...)
		cl.prove(order)
		editOrder(t, engine, order, func(o *acme.Order) {
			for _, a := range o.Authorizations {
				if a.CAAChecked.IsZero() && a.Identifier.Type == "dns" {
					t.Errorf("%s: no time of the look at CAA records", a.Identifier)
				}
				a.CAAChecked = a.CAAChecked.Add(-age)
			}
		})
		v.looked = nil
		return order, map[string]any{"csr": csr(t, newKey(t), names...)}
	}

	t.Run("a fresh look is good enough", func(t *testing.T) {
		refusing("a.example")
		order, request := ready(7*time.Hour, "a.example")
		cl.post(order["finalize"].(string), request).want(http.StatusOK)
		if len(v.looked) != 0 {
			t.Errorf("CAA records were looked up %d times", len(v.looked))
		}
	})
	t.Run("an old one is not", func(t *testing.T) {
		refusing("b.example", "c.example")
		order, request := ready(9*time.Hour, "a.example", "b.example", "*.c.example")
		var p acme.Problem
		r := cl.post(order["finalize"].(string), request).problem(http.StatusForbidden, "caa")
		if err := json.Unmarshal(r.body, &p); err != nil || len(p.Subproblems) != 2 ||
			p.Subproblems[0].Identifier.Value != "b.example" || p.Subproblems[1].Identifier.Value != "*.c.example" ||
			p.Subproblems[1].Type != acme.ProblemPrefix+"caa" {
			t.Errorf("subproblems: %s", r.body)
		}
		if len(v.looked) != 3 {
			t.Fatalf("looked up %d times, want 3", len(v.looked))
		}
		for _, what := range v.looked {
			if what.AccountURL != cl.kid || what.Type != acme.DNS01 || what.IssuerDomainNames[0] != "ca.example" {
				t.Errorf("looked up with %+v", what)
			}
		}
		refusing() // corrected meanwhile: the order is as good as before
		if got := cl.post(order["finalize"].(string), request).want(http.StatusOK).json(); got["status"] != "valid" {
			t.Errorf("order: %v", got)
		}
	})
	t.Run("a failed look-up refuses", func(t *testing.T) {
		v.records = func(*acme.Validation) error { return errors.New("secret") }
		order, request := ready(9*time.Hour, "a.example")
		cl.post(order["finalize"].(string), request).problem(http.StatusBadRequest, "dns")
	})
	t.Run("addresses have no CAA records", func(t *testing.T) {
		refusing("127.0.0.1")
		order, _ := ready(9*time.Hour, "ip=127.0.0.1")
		request := encodeCSR(t, newKey(t), &x509.CertificateRequest{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
		cl.post(order["finalize"].(string), map[string]any{"csr": request}).want(http.StatusOK)
		if len(v.looked) != 0 {
			t.Errorf("looked up: %v", v.looked)
		}
	})
}

// TestCAAWithoutLookUp has a validator that cannot look up CAA records.
func TestCAAWithoutLookUp(t *testing.T) {
	t.Parallel()
	engine := mem.New()
	c := newCAWith(t, new(validator), withCAA, onEngine(engine))
	cl := newClient(t, c).register()
	cl.faulty = true
	_, order := cl.order("a.example")
	cl.prove(order)
	editOrder(t, engine, order, func(o *acme.Order) { o.Authorizations[0].CAAChecked = time.Time{} })
	cl.post(order["finalize"].(string), map[string]any{"csr": csr(t, newKey(t), "a.example")}).problem(http.StatusInternalServerError, "serverInternal")
}
