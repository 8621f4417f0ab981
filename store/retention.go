package store

import (
	"context"
	"time"
)

// Retention says how long records are kept beyond the time when they mattered.
// Zero means the default, which stands beside each field; Forever keeps them.
type Retention struct {
	// These count from the end of validity. Default: Forever.
	Certificates    time.Duration
	SSHCertificates time.Duration
	Revocations     time.Duration // of both

	Orders   time.Duration // ACME orders, from their expiry; default 7 days
	Refusals time.Duration // from when they happened; default 14 days
}

// Forever, as a period of Retention, deletes nothing.
const Forever time.Duration = -1

const day = 24 * time.Hour

func (r Retention) withDefaults() Retention {
	set := func(d *time.Duration, def time.Duration) {
		switch {
		case *d == 0:
			*d = def
		case *d < 0:
			*d = Forever
		}
	}
	set(&r.Certificates, Forever)
	set(&r.SSHCertificates, Forever)
	set(&r.Revocations, Forever)
	set(&r.Orders, 7*day)
	set(&r.Refusals, 14*day)
	return r
}

// MayForget reports whether the revocation of a certificate that ended at that
// time may be gone; the zero time is never.
func (s *Store) MayForget(ended time.Time) bool {
	keep := s.retention.Revocations
	return keep != Forever && !ended.IsZero() && ended.Before(s.now().Add(-keep))
}

// Run does the store's background work until ctx ends: it writes refusals and
// deletes, in small steps, what Retention no longer keeps. It returns nil after
// the refusals handed over before the end were written.
func (s *Store) Run(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.clean(ctx)
	}()
	s.writeRefusals(ctx)
	<-done
	return nil
}
