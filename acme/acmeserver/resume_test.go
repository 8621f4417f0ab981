package acmeserver_test

import (
	"testing"
	"time"

	"stepca/acme"
	"stepca/kv/mem"
	"stepca/store"
)

// TestForgottenValidationIsTakenUp looks at a challenge that a server was working
// on when it crashed.
func TestForgottenValidationIsTakenUp(t *testing.T) {
	t.Parallel()
	engine := mem.New()
	v := new(validator)
	c := newCAWith(t, v, nil, onEngine(engine))
	cl := newClient(t, c).register()
	_, order := cl.order("a.example")
	s := store.New(engine, store.Options{})
	_, err := s.UpdateOrder(t.Context(), order["id"].(string), nil, func(rec *store.ACMEOrder) error {
		o, err := acme.LoadOrder(rec)
		if err != nil {
			return err
		}
		a := o.Authorizations[0]
		now := time.Now()
		a.Postpone(a.Challenges[0], acme.NewProblem(acme.ProblemConnection, "refused"), now.Add(-time.Hour), now)
		return o.Save(rec, rec.ExpiresAt)
	})
	if err != nil {
		t.Fatal(err)
	}
	authz := order["authorizations"].([]any)[0].(string)
	cl.becomesValid(authz)
}
