package acmeserver

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"stepca/acme"
	"stepca/ca"
)

// recheckCAA looks up CAA records again (RFC 8659 §3: before issuing) for names
// whose last look is older than caaLifetime, as a CA has to whose authorizations
// live longer. The error is a problem with a subproblem for each name refused.
func (x *exchange) recheckCAA(ctx context.Context, o *acme.Order) error {
	due := x.caaDue(o)
	if len(due) == 0 {
		return nil
	}
	checker, ok := x.s.cfg.Validator.(acme.CAAChecker)
	if !ok {
		return errors.New("checkCAA is set, and the validator cannot look up CAA records")
	}
	for _, a := range due {
		if wait := x.s.failures.empty(failureKey(o, a), x.s.now()); wait > 0 {
			return limited(wait, "failed validations of this identifier")
		}
	}
	var refused refusals
	for i, err := range x.checkCAA(ctx, checker, due) {
		if err == nil {
			continue
		}
		x.s.failures.take(failureKey(o, due[i]), x.s.now())
		if err := refused.add(due[i].Name(), err); err != nil {
			return err
		}
	}
	return refused.err()
}

// caaDue returns the authorizations of an order whose names' CAA records have to be
// looked at.
func (x *exchange) caaDue(o *acme.Order) []*acme.Authorization {
	var due []*acme.Authorization
	for _, a := range o.Authorizations {
		if x.prov.CheckCAA && a.Identifier.Type == ca.DNS && x.s.now().Sub(a.CAAChecked) > caaLifetime {
			due = append(due, a)
		}
	}
	return due
}

// checkCAA returns what CAA records say of each authorization.
func (x *exchange) checkCAA(ctx context.Context, checker acme.CAAChecker, due []*acme.Authorization) []error {
	errs := make([]error, len(due))
	slots := make(chan struct{}, maxCAALookups)
	var group sync.WaitGroup
	for i, a := range due {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			errs[i] = x.checkOneCAA(ctx, checker, a)
		})
	}
	group.Wait()
	return errs
}

// checkOneCAA says what CAA records say of an authorization, with the challenge
// that made it valid.
func (x *exchange) checkOneCAA(ctx context.Context, checker acme.CAAChecker, a *acme.Authorization) (err error) {
	defer recovered(&err)
	c := a.Fulfilled()
	if c == nil {
		return fmt.Errorf("authorization %s is valid without a valid challenge", a.ID)
	}
	what := x.validation(a, c)
	err = checker.CheckCAA(ctx, &what)
	if _, ok := errors.AsType[*acme.Problem](err); ok || err == nil {
		return err
	}
	p := acme.NewProblem(acme.ProblemDNS, "the CAA records of %s could not be looked up", a.Identifier.Value)
	p.Cause = err
	return p
}
