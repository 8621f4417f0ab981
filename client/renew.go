package client

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"stepca/api"
)

// maxSleep bounds how long the renewing goroutine sleeps: timers stand still
// while a machine is suspended, and certificates age on.
const maxSleep = 5 * time.Minute

// What happens when a handshake needs a certificate that is almost over.
const (
	handshakeMargin = time.Minute      // this close to its end, renewal is woken
	handshakeWait   = 5 * time.Second  // how long a handshake waits once it has expired
	handshakeRetry  = 10 * time.Second // how often handshakes can make us ask the CA
)

// run renews the certificate whenever it is due, until ctx is done.
func (id *Identity) run(ctx context.Context) {
	defer close(id.done)
	due, earliest := id.due(), time.Time{}
	for {
		if wait := min(due.Sub(id.cfg.Now()), maxSleep); wait > 0 {
			timer := time.NewTimer(wait)
			select {
			case <-ctx.Done():
				timer.Stop()
				return
			case <-timer.C:
			case <-id.wake:
				timer.Stop()
				due = earliest // a handshake needs it
			}
			continue
		}
		if ctx.Err() != nil {
			return
		}
		due, earliest = id.attempt(ctx)
	}
}

// attempt renews once and returns when to try next, and how early that may be if
// a handshake asks for it.
func (id *Identity) attempt(ctx context.Context) (due, earliest time.Time) {
	old := id.current.Load()
	fresh, err := id.renew(ctx, old)
	now := id.cfg.Now()
	if err == nil && !now.Before(fresh.crt.Leaf.NotAfter) {
		err = errors.New("the new certificate has expired already; are the clocks right?")
	}
	if err != nil {
		wait := id.retryAfter()
		if ctx.Err() == nil {
			id.cfg.Log.LogAttrs(ctx, slog.LevelError, "certificate not renewed",
				slog.String("subject", old.crt.Leaf.Subject.String()),
				slog.Time("expires", old.crt.Leaf.NotAfter),
				slog.Duration("retry_in", wait),
				slog.Any("error", err))
		}
		return now.Add(wait), now.Add(min(wait, handshakeRetry))
	}
	id.current.Store(fresh)
	close(old.replaced)
	id.cfg.Log.LogAttrs(ctx, slog.LevelInfo, "certificate renewed",
		slog.String("subject", fresh.crt.Leaf.Subject.String()),
		slog.Time("expires", fresh.crt.Leaf.NotAfter))
	return id.due(), now.Add(handshakeRetry)
}

// due is when the current certificate is to be renewed. A CA that answers with
// shorter certificates than before does not get us to renew in a circle.
func (id *Identity) due() time.Time {
	leaf := id.Certificate().Leaf
	before := id.cfg.RenewBefore + random(id.cfg.Jitter)
	if remaining := leaf.NotAfter.Sub(id.cfg.Now()); before >= remaining {
		before = remaining / 3
	}
	return leaf.NotAfter.Add(-before)
}

// retryAfter is how long to wait after a failure: between half the jitter and
// all of it.
func (id *Identity) retryAfter() time.Duration {
	half := max(id.cfg.Jitter/2, time.Second)
	return half + random(half)
}

// random returns a duration in [0, d), or 0 if d is not positive.
func random(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d) // spreads load, keeps no secret
}

// ask asks the CA for a successor of old: with the certificate itself, and once
// it has expired with a token that it signs. The roots are fetched anew too; if
// that fails the old ones stay.
func (id *Identity) ask(ctx context.Context, old *credential) (*credential, error) {
	roots := old.roots
	trusted, err := id.base.trusted(ctx, id.cfg.Federation)
	if err == nil {
		roots = pool(trusted)
	} else if ctx.Err() == nil {
		id.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "root certificates not refreshed", slog.Any("error", err))
	}
	resp, err := id.askCertificate(ctx, old)
	if err != nil {
		return nil, err
	}
	crt, err := Certificate(resp, old.crt.PrivateKey)
	if err != nil {
		return nil, err
	}
	options := resp.TLSOptions
	if options == nil {
		options = old.options
	}
	return &credential{crt, roots, options, make(chan struct{})}, nil
}

func (id *Identity) askCertificate(ctx context.Context, old *credential) (*api.SignResponse, error) {
	if now := id.cfg.Now(); now.After(old.crt.Leaf.NotAfter) {
		token, err := RenewToken(old.crt, id.base.URL()+api.PathRenew, now)
		if err != nil {
			return nil, err
		}
		return id.base.RenewWithToken(ctx, token)
	}
	c, err := id.base.WithCertificate(old.crt)
	if err != nil {
		return nil, err
	}
	defer c.CloseIdleConnections()
	return c.Renew(ctx)
}

// usable returns the credential for a handshake. If its certificate is about to
// expire, after a suspension for example, renewal is woken; if it has expired,
// also waited for a little.
func (id *Identity) usable(ctx context.Context) *credential {
	cred := id.current.Load()
	left := cred.crt.Leaf.NotAfter.Sub(id.cfg.Now())
	if left > min(handshakeMargin, id.cfg.RenewBefore/2) {
		return cred
	}
	select {
	case id.wake <- struct{}{}:
	default: // already woken
	}
	if left > 0 {
		return cred
	}
	timer := time.NewTimer(handshakeWait)
	defer timer.Stop()
	select {
	case <-cred.replaced:
	case <-ctx.Done():
	case <-timer.C:
	}
	return id.current.Load()
}
