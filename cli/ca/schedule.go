package ca

import (
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"time"
)

// A schedule says when a certificate is to be renewed. At most one field is set.
type schedule struct {
	expiresIn time.Duration // before its end; zero means a third of its validity
	period    time.Duration // after the last time
}

// check refuses times that the certificate is too short for.
func (s schedule) check(crt *tls.Certificate, periodFlag string) error {
	validity := crt.Leaf.NotAfter.Sub(crt.Leaf.NotBefore)
	for flag, d := range map[string]time.Duration{periodFlag: s.period, "expires-in": s.expiresIn} {
		if d >= validity {
			return fmt.Errorf("flag '--%s' must be within (lower than) the certificate validity period; %s=%v, cert-validity-period=%v", flag, flag, d, validity)
		}
	}
	return nil
}

// next returns how long to wait before the certificate is renewed, given what
// is left of its validity. Where the moment is computed from the validity, it is
// moved ahead by up to a twentieth of that, so that a fleet does not renew at
// once; draw returns a random duration in [0, d).
func (s schedule) next(left, validity time.Duration, draw func(d time.Duration) time.Duration) time.Duration {
	if s.period > 0 {
		if left <= s.period {
			return 0
		}
		return s.period
	}
	expiresIn := s.expiresIn
	if expiresIn == 0 {
		expiresIn = validity / 3
	}
	wait, jitter := left-expiresIn, validity/20
	switch {
	case wait <= 0:
		return 0
	case wait < jitter:
		return draw(wait)
	}
	return wait - draw(jitter)
}

// nextFor is next for a certificate.
func (s schedule) nextFor(crt *tls.Certificate, now time.Time) time.Duration {
	return s.next(crt.Leaf.NotAfter.Sub(now), crt.Leaf.NotAfter.Sub(crt.Leaf.NotBefore), random)
}

// random returns a duration in [0, d), 0 if d is not positive.
func random(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d) // spreads load, keeps no secret
}
