package revocation

import (
	"context"
	"fmt"
	"time"

	"stepca/store"
)

// Times of the background work.
const (
	// overlap is how far a look into the store's log reaches back behind the last
	// one: more than a transaction takes, and than clocks of servers differ.
	overlap = 2 * time.Minute

	followEvery = time.Second // how often other servers' revocations are looked for

	retryFirst = time.Second // after a failure; doubles
	retryMost  = time.Minute
)

// After a list took a time t to make, the next waits for these multiples of t:
// making lists takes at most a twentieth of one core's time, or half of it while
// readers wait for them.
const (
	idleShare   = 19
	urgentShare = 1
)

// A maker makes lists; it belongs to Run's goroutine.
type maker struct {
	*Service
	loadedAt   time.Time // when loading began
	pruned     time.Time // when recent was last pruned
	followed   time.Time // when the store's log was last looked at
	lastEnd    time.Time // when the last list was finished
	lastCost   time.Duration
	retryAt    time.Time // no attempt before, after a failure
	retryDelay time.Duration
}

// Run makes lists until ctx ends, and then returns nil. Without it Revoke works,
// and CRL has nothing to give.
func (s *Service) Run(ctx context.Context) error {
	m := &maker{Service: s}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		wait := m.step(ctx)
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-s.poke:
		case <-timer.C:
		}
	}
	return nil
}

// step does what is due and returns how long nothing will be.
func (m *maker) step(ctx context.Context) time.Duration {
	st := m.settings.Load()
	if !st.enabled() {
		m.forget()
		return time.Hour
	}
	if wait := m.retryAt.Sub(m.now()); wait > 0 {
		return wait
	}
	next, err := m.work(ctx, st)
	if err != nil {
		if ctx.Err() == nil {
			m.log.Error("error regenerating the CRL", "error", err)
		}
		m.retryDelay = min(max(2*m.retryDelay, retryFirst), retryMost)
		m.retryAt = m.now().Add(m.retryDelay)
		return m.retryDelay
	}
	m.retryDelay = 0
	return next
}

// forget drops the lists, which the configuration does not want.
func (m *maker) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.loaded = -1
	clear(m.lists)
	clear(m.current)
	m.recent = make(map[string]time.Time)
}

// work loads, follows and makes the lists that are due.
func (m *maker) work(ctx context.Context, st *settings) (time.Duration, error) {
	if !m.complete() {
		if err := m.load(ctx); err != nil {
			return 0, err
		}
	}
	next := time.Hour
	if m.shared {
		if err := m.follow(ctx); err != nil {
			return 0, err
		}
		next = followEvery
	}
	m.prune()
	for _, iss := range st.issuers {
		if !iss.makesLists() {
			continue
		}
		if due := m.due(iss); due > 0 {
			next = min(next, due)
			continue
		}
		if err := m.make(ctx, iss); err != nil {
			return 0, fmt.Errorf("issuer %q: %w", iss.Name, err)
		}
		next = min(next, max(m.due(iss), 0))
	}
	return next, nil
}

// complete reports whether the lists have what the store has.
func (m *maker) complete() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.loaded == m.epoch
}

// load fills the lists with what the store has.
func (m *maker) load(ctx context.Context) error {
	m.forget()
	m.mu.Lock()
	epoch := m.epoch
	m.mu.Unlock()
	began := m.now()
	since := began.Add(-overlap)
	count := 0
	err := m.store.LoadRevoked(ctx, began.Add(-listedAfterExpiry), func(e store.RevokedEntry) {
		m.addEntry(e, e.RecordedAt.After(since))
		count++
	})
	if err != nil {
		return fmt.Errorf("loading revocations: %w", err)
	}
	m.mu.Lock()
	m.loaded = epoch
	m.mu.Unlock()
	m.loadedAt, m.followed = began, began
	m.log.Debug("revocations loaded", "count", count, "duration", m.now().Sub(began))
	return nil
}

// follow adds what other servers revoked since the last look.
func (m *maker) follow(ctx context.Context) error {
	began := m.now()
	err := m.store.RevokedSince(ctx, m.followed.Add(-overlap), func(e store.RevokedEntry) { m.addEntry(e, true) })
	if err != nil {
		return fmt.Errorf("following revocations: %w", err)
	}
	m.followed = began
	return nil
}

// prune forgets recent serials that no look into the store will show again. A
// server alone looks once, when it loads.
func (m *maker) prune() {
	now := m.now()
	if now.Sub(m.pruned) < overlap {
		return
	}
	m.pruned = now
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.shared && now.Sub(m.loadedAt) > overlap {
		m.recent = nil
	}
	for serial, recorded := range m.recent {
		if recorded.Before(m.followed.Add(-overlap)) {
			delete(m.recent, serial)
		}
	}
}

// due returns how long until the list of iss is to be made; not positive if now.
func (m *maker) due(iss *issuer) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	c := m.current[iss.Name]
	if c == nil || !c.issuer.sameList(iss) || c.NextUpdate.Sub(c.ThisUpdate) != iss.CacheDuration {
		return 0
	}
	wait := c.ThisUpdate.Add(iss.RenewPeriod).Sub(now)
	l := m.list(iss.hash)
	if iss.GenerateOnRevoke && l.seq > c.seq {
		pause := idleShare * m.lastCost
		if l.wanted > c.seq {
			pause = urgentShare * m.lastCost
		}
		wait = min(wait, m.lastEnd.Add(pause).Sub(now))
	}
	return wait
}

// make makes a list and publishes it. The number is taken before the entries
// are: a list with a greater number has all that one with a lesser has, even if
// another server made that.
func (m *maker) make(ctx context.Context, iss *issuer) error {
	began := m.now()
	thisUpdate := began.UTC().Truncate(time.Second)
	t := &tbsCertList{issuer: iss, thisUpdate: thisUpdate, nextUpdate: thisUpdate.Add(iss.CacheDuration)}
	var err error
	if t.number, err = m.store.NextCRL(ctx, iss.Name, t.thisUpdate, t.nextUpdate); err != nil {
		return fmt.Errorf("reserving a CRL number: %w", err)
	}
	if m.shared {
		if err := m.follow(ctx); err != nil {
			return err
		}
	}
	m.mu.Lock()
	seq := m.seq
	t.entries = m.list(iss.hash).entries.snapshot(thisUpdate)
	m.mu.Unlock()

	c, err := t.sign()
	if err != nil {
		return err
	}
	c.seq = seq
	m.publish(c)
	m.lastEnd = m.now()
	m.lastCost = m.lastEnd.Sub(began)
	m.log.Debug("CRL made", "issuer", iss.Name, "number", c.Number, "size", c.Size(), "duration", m.lastCost)
	return nil
}
