package acmeserver

import (
	"context"
	"errors"
	"time"

	"stepca/acme"
	"stepca/ca"
)

// A validation is the work on one challenge.
type validation struct {
	b         *Backend
	validator acme.Validator
	what      acme.Validation
	orderID   string
	authzID   string
	challenge string // ID
	failures  string // key of the limiter
}

// startValidation begins the validation of a challenge, or wakes it; nil if there are
// too many.
func (x *exchange) startValidation(o *acme.Order, a *acme.Authorization, c *acme.Challenge, payload []byte) *job {
	v := &validation{
		b: x.s.Backend, validator: x.s.cfg.Validator, orderID: o.ID, authzID: a.ID, challenge: c.ID, failures: failureKey(o, a),
		what: x.validation(a, c),
	}
	if c.Type == acme.DeviceAttest01 {
		v.what.Payload = payload // others have no use for it, and it may be large
	}
	w, _ := x.s.jobs.start(c.ID, o.AccountID, v.run)
	return w
}

// validation returns what is to be known for validating a challenge.
func (x *exchange) validation(a *acme.Authorization, c *acme.Challenge) acme.Validation {
	return acme.Validation{
		Type: c.Type, Token: c.Token, Identifier: a.Identifier, Wildcard: a.Wildcard,
		KeyAuthorization:  acme.KeyAuthorization(c.Token, x.account.Thumbprint),
		AccountURL:        x.accountURL(),
		IssuerDomainNames: issuerDomainNames(x.prov),
		CheckCAA:          x.prov.CheckCAA,
		AcceptsFormat:     x.prov.AcceptsAttestation,
		AttestationRoots:  x.prov.Roots(),

		RequirePermanentIdentifier: x.prov.RequirePermanentIdentifier,
	}
}

// resume begins validations again that were processing when their server stopped.
func (x *exchange) resume(o *acme.Order) {
	if o.Status != acme.StatusPending {
		return
	}
	for _, a := range o.Authorizations {
		for _, c := range a.Challenges {
			if x.s.forgotten(c) {
				x.startValidation(o, a, c, nil)
			}
		}
	}
}

// forgotten reports whether a challenge is processing and nobody works on it. Of a
// server that shares the database that is known by the time only.
func (b *Backend) forgotten(c *acme.Challenge) bool {
	if c.Status != acme.StatusProcessing || !resumable(c.Type) || b.jobs.has(c.ID) {
		return false
	}
	return !b.shared || b.now().After(c.OutcomeBy.Add(outcomeGrace))
}

// resumable reports whether another server can go on with a validation. The
// statement of an attestation is not stored: it waits for the client.
func resumable(t acme.ChallengeType) bool { return t != acme.DeviceAttest01 }

// noteUnderWay stores that a challenge is being validated, since that takes longer
// than a client waits for the answer: if this server stops, there is something to go
// on from. It returns the order as it is then.
func (x *exchange) noteUnderWay(o *acme.Order, a *acme.Authorization, c *acme.Challenge) (*acme.Order, error) {
	return x.s.updateOrder(context.WithoutCancel(x.r.Context()), o.ID, nil, func(o *acme.Order) error {
		now := x.s.now()
		if o.Advance(now); o.Status == acme.StatusPending {
			a := o.Authorization(a.ID)
			a.Begin(a.Challenge(c.ID), now.Add(attemptTimeout), now)
		}
		return nil
	})
}

// run makes attempts until one succeeds, one fails for good, or there were enough.
func (v *validation) run(ctx context.Context, wake <-chan struct{}) {
	for attempt := 0; ; attempt++ {
		began := v.b.now()
		attestation, err := v.attempt(ctx)
		if ctx.Err() != nil {
			v.leave(ctx)
			return
		}
		v.log(attempt, v.b.now().Sub(began), err)
		if err == nil {
			v.save(ctx, func(a *acme.Authorization, c *acme.Challenge) { v.succeed(a, c, attestation) })
			return
		}
		p := validationProblem(err)
		if !p.Temporary || attempt == len(retryDelays) {
			v.b.failures.take(v.failures, v.b.now())
			v.save(ctx, func(a *acme.Authorization, c *acme.Challenge) { a.Fail(c, p, v.b.now()) })
			return
		}
		delay := retryDelays[attempt]
		v.save(ctx, func(a *acme.Authorization, c *acme.Challenge) {
			a.Postpone(c, p, v.b.now().Add(delay+attemptTimeout), v.b.now())
		})
		if !sleep(ctx, delay, wake) {
			v.leave(ctx)
			return
		}
	}
}

// leave stores that the server stops before there is an outcome. The next look of the
// client, here or at another server, then begins again.
func (v *validation) leave(ctx context.Context) {
	if !resumable(v.what.Type) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	v.save(ctx, func(a *acme.Authorization, c *acme.Challenge) { a.Leave(c, v.b.now()) })
}

// log writes the one record of an attempt, which are counted from 0 here.
func (v *validation) log(attempt int, took time.Duration, err error) {
	attrs := []any{"type", v.what.Type, "identifier", v.what.Identifier.String(), "wildcard", v.what.Wildcard,
		"order", v.orderID, "attempt", attempt + 1, "duration", took}
	if err != nil {
		v.b.log.Info("ACME challenge not fulfilled", append(attrs, "error", err)...)
		return
	}
	v.b.log.Info("ACME challenge fulfilled", attrs...)
}

func (v *validation) succeed(a *acme.Authorization, c *acme.Challenge, attestation *acme.Attestation) {
	now := v.b.now()
	if a.Succeed(c, attestation, now) && v.what.CheckCAA && a.Identifier.Type == ca.DNS {
		a.CAAChecked = now.UTC().Truncate(time.Second)
	}
}

func (v *validation) attempt(ctx context.Context) (_ *acme.Attestation, err error) {
	defer recovered(&err)
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	return v.validator.Validate(ctx, &v.what)
}

// validationProblem returns what a client may know of a failed attempt. Trouble of
// our own is temporary.
func validationProblem(err error) *acme.Problem {
	if p, ok := errors.AsType[*acme.Problem](err); ok {
		return p
	}
	p := acme.NewProblem(acme.ProblemServerInternal, "the validation could not be carried out")
	if errors.Is(err, context.DeadlineExceeded) {
		p = acme.NewProblem(acme.ProblemConnection, "no answer in time")
	}
	p.Temporary, p.Cause = true, err
	return p
}

// save stores the outcome of an attempt, if it still matters.
func (v *validation) save(ctx context.Context, apply func(*acme.Authorization, *acme.Challenge)) {
	_, err := v.b.updateOrder(ctx, v.orderID, nil, func(o *acme.Order) error {
		a := o.Authorization(v.authzID)
		if o.Advance(v.b.now()); o.Status == acme.StatusPending && a != nil && a.Challenge(v.challenge) != nil {
			apply(a, a.Challenge(v.challenge))
		}
		return nil
	})
	if err != nil {
		v.b.log.Error("the result of an ACME validation was not stored", "order", v.orderID, "challenge", v.challenge, "error", err)
	}
}

// sleep waits, for less if it is woken. It reports whether to go on.
func sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-wake:
	}
	return true
}
