package acmeserver_test

import (
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepca/acme"
	"stepca/internal/catest"
	"stepca/kv"
	"stepca/kv/mem"
	"stepca/store"
)

// keptEngine outlives the server that opened it.
type keptEngine struct{ kv.Engine }

func (keptEngine) Close() error { return nil }

// sameAuthority runs another server of a CA's authority, or the same after it was
// stopped.
func sameAuthority(t *testing.T, old *catest.CA, v acme.Validator, opts catest.Options) *catest.CA {
	t.Helper()
	edit := opts.Edit
	opts.Edit = func(cfg map[string]any) {
		if edit != nil {
			edit(cfg)
		}
		cfg["root"] = old.RootFile
		cfg["crt"] = filepath.Join(old.Dir, "intermediate_ca.crt")
		cfg["key"] = filepath.Join(old.Dir, "intermediate_ca_key")
	}
	return newCAWith(t, v, nil, opts)
}

// TestStoppedValidationIsTakenUp stops a server while it validates; the client, which
// has its answer and only looks at the authorization, is not forgotten.
func TestStoppedValidationIsTakenUp(t *testing.T) {
	t.Parallel()
	refuse := &validator{validate: func(*acme.Validation) (*acme.Attestation, error) {
		return nil, acme.NewProblem(acme.ProblemConnection, "refused")
	}}
	for _, test := range []struct {
		name  string
		first acme.Validator
		on    func(kv.Engine) catest.Options
	}{
		{"in its first attempt", blocking{make(chan struct{})}, onEngine},
		{"between attempts, with a shared database", refuse, onSharedEngine},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			engine := keptEngine{mem.New()}
			c := newCAWith(t, test.first, nil, test.on(engine))
			cl := newClient(t, c).register()
			_, order := cl.order("a.example")
			authz, challenge := cl.firstChallenge(order)
			if got := cl.post(challenge, nil).want(http.StatusOK).json(); got["status"] != "processing" {
				t.Fatalf("challenge: %v, want it processing", got)
			}
			if err := c.Stop(); err != nil {
				t.Fatal(err)
			}
			again := sameAuthority(t, c, new(validator), test.on(engine))
			cl.at(t, again).becomesValid(strings.Replace(authz, c.URL, again.URL, 1))
		})
	}
}

// becomesValid looks at an authorization until it is valid.
func (c *client) becomesValid(authz string) {
	c.t.Helper()
	for range 6000 {
		if c.post(authz, nil).want(http.StatusOK).json()["status"] == "valid" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	c.t.Error("the authorization did not become valid")
}

// TestCrashedValidationIsTakenUp has a server forget a validation that it had begun
// without storing anything but that.
func TestCrashedValidationIsTakenUp(t *testing.T) {
	t.Parallel()
	engine := mem.New()
	release := make(chan struct{})
	defer close(release)
	c := newCAWith(t, blocking{release}, nil, onSharedEngine(engine))
	cl := newClient(t, c).register()
	_, order := cl.order("a.example")
	authz, challenge := cl.firstChallenge(order)
	cl.post(challenge, nil).want(http.StatusOK)

	v := new(validator)
	other := sameAuthority(t, c, v, onSharedEngine(engine))
	there, elsewhere := cl.at(t, other), strings.Replace(authz, c.URL, other.URL, 1)
	r := there.post(elsewhere, nil).want(http.StatusOK)
	if got := r.json()["challenges"].([]any)[0].(map[string]any)["status"]; got != "processing" || r.header.Get("Retry-After") == "" {
		t.Errorf("challenge at another server: %v, want it processing, and Retry-After", got)
	}
	v.mu.Lock()
	if len(v.seen) > 0 {
		t.Error("the other server validates what may have an outcome in time")
	}
	v.mu.Unlock()
	s := store.New(engine, store.Options{})
	_, err := s.UpdateOrder(t.Context(), order["id"].(string), nil, func(rec *store.ACMEOrder) error {
		o, err := acme.LoadOrder(rec)
		if err != nil {
			return err
		}
		c := o.Authorizations[0].Challenges[0]
		if c.OutcomeBy.IsZero() {
			return errors.New("it is not stored by when there is an outcome")
		}
		c.OutcomeBy = c.OutcomeBy.Add(-time.Hour)
		return o.Save(rec, rec.ExpiresAt)
	})
	if err != nil {
		t.Fatal(err)
	}
	there.becomesValid(elsewhere)
}
