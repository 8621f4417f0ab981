package revocation

import (
	"context"
	"time"

	"stepca/ca"
)

// readerWait is how long a reader waits for a list that has all.
const readerWait = 10 * time.Second

// publish puts a list in the place of the one before, and wakes who waits for it.
func (s *Service) publish(c *CRL) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current[c.Issuer] = c
	close(s.changed)
	s.changed = make(chan struct{})
}

// CRL returns the newest list of an issuer, "" for the default. If lists are made
// on revocation it waits for one that has every revocation that this process
// acknowledged before; other servers' follow within about a second. Should that
// list not come in time (its key may be out of reach), the one before is given.
//
// The error is of kind ca.ErrNotFound without such an issuer or with lists
// disabled, and ca.ErrUnavailable while there is none.
func (s *Service) CRL(ctx context.Context, issuer string) (*CRL, error) {
	st := s.settings.Load()
	iss := st.find(issuer)
	if iss == nil || !iss.makesLists() {
		return nil, ca.Hidden(ca.ErrNotFound, "no CRL is enabled for issuer %q", issuer)
	}
	ctx, cancel := context.WithTimeout(ctx, readerWait)
	defer cancel()
	var want uint64
	for first := true; ; first = false {
		s.mu.Lock()
		l := s.list(iss.hash)
		if first && iss.GenerateOnRevoke {
			want = l.seq
		}
		c, changed := s.current[iss.Name], s.changed
		if s.loaded != s.epoch {
			c = nil
		}
		if c != nil && c.seq >= want {
			s.mu.Unlock()
			return c, nil
		}
		l.wanted = max(l.wanted, want)
		s.mu.Unlock()
		s.wake()
		select {
		case <-changed:
			continue
		case <-ctx.Done():
		}
		if c == nil {
			return nil, ca.Errorf(ca.ErrUnavailable, "the CRL is not ready yet")
		}
		s.log.Warn("a CRL without the newest revocations is served", "issuer", iss.Name, "number", c.Number)
		return c, nil
	}
}
