package revocation

import (
	"log/slog"
	"math/big"
	"sync"
	"sync/atomic"
	"time"

	"stepca/ca"
	"stepca/store"
)

// A Config is what a Service is made of. Store is required.
type Config struct {
	Store *store.Store
	Now   func() time.Time // current time; nil means time.Now
	Log   *slog.Logger     // nil discards

	// Shared says that other servers write to the same database.
	Shared bool

	Settings
}

// A Service revokes certificates and keeps the lists. It lives as long as its
// store; a new configuration is given to Reload.
type Service struct {
	store  *store.Store
	now    func() time.Time
	log    *slog.Logger
	shared bool

	settings atomic.Pointer[settings]
	krls     krls
	poke     chan struct{} // wakes Run; holds one

	mu      sync.Mutex // guards the fields below, for no longer than a copy of slice headers
	lists   map[store.IssuerHash]*list
	seq     uint64               // counts additions to all lists
	recent  map[string]time.Time // serials recorded lately, to know again what the store tells twice; nil if it does not
	current map[string]*CRL      // newest list of each issuer, by name
	epoch   int                  // counts how often lists were disabled: what was loaded before is incomplete
	loaded  int                  // epoch of what is in lists; -1 before the first load
	changed chan struct{}        // closed when current changes
}

// A list is what is known of an issuer's revocations.
type list struct {
	entries entries
	seq     uint64 // of its last addition
	wanted  uint64 // the greatest seq that a reader waits for
}

// New returns a Service. Lists are made once Run runs.
func New(cfg Config) (*Service, error) {
	s := &Service{
		store:   cfg.Store,
		now:     cfg.Now,
		log:     cfg.Log,
		shared:  cfg.Shared,
		poke:    make(chan struct{}, 1),
		lists:   make(map[store.IssuerHash]*list),
		recent:  make(map[string]time.Time),
		current: make(map[string]*CRL),
		changed: make(chan struct{}),
		loaded:  -1,
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s, s.Reload(cfg.Settings)
}

// Reload changes the settings. A list is made anew only if something of it
// changed. After an error everything is as it was.
func (s *Service) Reload(in Settings) error {
	st, err := newSettings(in, s.store.Keeps())
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.settings.Store(st)
	if !st.enabled() {
		s.epoch++
	}
	s.mu.Unlock()
	s.wake()
	return nil
}

func (s *Service) wake() {
	select {
	case s.poke <- struct{}{}:
	default:
	}
}

// list returns the list of an issuer. s.mu is held.
func (s *Service) list(issuer store.IssuerHash) *list {
	l := s.lists[issuer]
	if l == nil {
		l = new(list)
		s.lists[issuer] = l
	}
	return l
}

// add puts a revocation of this process on its issuer's list.
func (s *Service) add(rev *ca.Revocation, serial *big.Int) {
	st := s.settings.Load()
	if !st.enabled() {
		return
	}
	s.addEntry(store.RevokedEntry{
		Serial:     serial.Bytes(),
		Issuer:     store.HashIssuer(rev.Issuer),
		RevokedAt:  rev.RevokedAt,
		RecordedAt: rev.RevokedAt,
		ExpiresAt:  rev.ExpiresAt,
		ReasonCode: rev.ReasonCode,
	}, true)
	if iss := st.find(rev.Issuer); iss != nil && iss.GenerateOnRevoke {
		s.wake()
	}
}

// addEntry puts a revocation on its issuer's list, unless it came lately and is
// known already.
func (s *Service) addEntry(e store.RevokedEntry, lately bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if lately && s.recent != nil {
		if _, known := s.recent[string(e.Serial)]; known {
			return
		}
		s.recent[string(e.Serial)] = e.RecordedAt
	}
	l := s.list(e.Issuer)
	l.entries.add(e.Serial, e.RevokedAt, e.ExpiresAt, e.ReasonCode)
	s.seq++
	l.seq = s.seq
}
