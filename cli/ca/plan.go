package ca

import (
	"context"
	"crypto/tls"
	"errors"
	"time"

	"stepca/cli"
	"stepca/cli/ari"
)

// A plan says when a certificate is renewed.
type plan struct {
	at    time.Time // the moment
	again time.Time // when to ask again whether the moment has changed; zero for never

	suggested bool // by the CA, not computed from the validity
}

// askAgain is how long after a failure a CA is asked again when to renew.
const askAgain = 30 * time.Minute

// planned returns the plan for a certificate. The flags decide; without them the
// CA, if it suggests a moment; else the validity. before is the plan for the same
// certificate so far, or the zero plan.
func (r *renewal) planned(ctx context.Context, env *cli.Env, src *source, crt *tls.Certificate, when schedule, before plan, log logger) plan {
	now := env.Now()
	var again time.Time
	if when == (schedule{}) {
		suggestion, err := src.suggestion(ctx, crt.Leaf, log.info)
		switch {
		case err == nil && suggestion != nil:
			return plan{at: suggestion.At, again: suggestion.Again, suggested: true}
		case err != nil && !errors.Is(err, ari.ErrUnsupported) && ctx.Err() == nil:
			log.error("asking when to renew: %v", err)
			again = now.Add(askAgain)
		}
	}
	if !before.at.IsZero() {
		before.again = again
		return before // not drawn a second time
	}
	return plan{at: now.Add(when.nextFor(crt, now)), again: again}
}

// replanned is the plan for a certificate that has just been got. A CA that calls
// even that due must not make us renew without end: the validity decides, until
// the CA is asked again.
func (r *renewal) replanned(ctx context.Context, env *cli.Env, src *source, crt *tls.Certificate, when schedule, log logger) plan {
	p := r.planned(ctx, env, src, crt, when, plan{}, log)
	if now := env.Now(); p.suggested && !now.Before(p.at) {
		return plan{at: now.Add(when.nextFor(crt, now)), again: p.again}
	}
	return p
}

// wait returns how long to wait for the moment.
func (p plan) wait(now time.Time) time.Duration { return max(p.at.Sub(now), 0) }

// sleep returns how long to wait for the moment, or until the CA is asked again.
func (p plan) sleep(now time.Time) time.Duration {
	if !p.again.IsZero() && p.again.Before(p.at) {
		return max(p.again.Sub(now), 0)
	}
	return p.wait(now)
}

// due reports whether a command that is not a daemon acts: always, unless
// --expires-in or --if-due make it wait.
func (r *renewal) due(ctx context.Context, env *cli.Env, src *source, crt *tls.Certificate, when schedule) bool {
	switch left := crt.Leaf.NotAfter.Sub(env.Now()); {
	case when.expiresIn > 0:
		return left <= when.expiresIn+random(when.expiresIn/20)
	case r.ifDue:
		return suggestedNow(ctx, env, src, crt)
	}
	return true
}

// suggestedNow reports whether a certificate is to be renewed now, for --if-due: at
// the moment that the CA suggests, else when a third of its validity is left.
func suggestedNow(ctx context.Context, env *cli.Env, src *source, crt *tls.Certificate) bool {
	suggestion, err := src.suggestion(ctx, crt.Leaf, env.Noticef)
	switch {
	case err == nil && suggestion != nil:
		return suggestion.Due(env.Now())
	case err != nil && !errors.Is(err, ari.ErrUnsupported):
		env.Noticef("The authority was asked in vain when to renew: %v", err)
	}
	validity := crt.Leaf.NotAfter.Sub(crt.Leaf.NotBefore)
	return !env.Now().Before(crt.Leaf.NotAfter.Add(-validity / 3))
}
