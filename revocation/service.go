package revocation

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

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

// Settings are what Reload may change.
type Settings struct {
	// Issuers each have a list of their own. The first is the default: its list
	// has the certificates that are not on record.
	Issuers []Issuer

	// CRL says whether lists are made at all, and when, for issuers without
	// settings of their own.
	CRL CRLSettings

	// SSHUserKeys and SSHHostKeys are the CA keys whose certificates the KRL is
	// about; none means that there is no KRL.
	SSHUserKeys, SSHHostKeys []ssh.PublicKey
}

// CRLSettings are the section "crl" of ca.json.
type CRLSettings struct {
	Enabled bool

	// GenerateOnRevoke makes a list when something was revoked, rather than only
	// every RenewPeriod.
	GenerateOnRevoke bool

	CacheDuration time.Duration // NextUpdate − ThisUpdate, at least a second; zero means 24 hours
	RenewPeriod   time.Duration // age at which a list is replaced, at least a second; zero means ⅔ of CacheDuration
}

// An Issuer signs certificates and the list of those that it revoked.
type Issuer struct {
	Name        string
	Certificate *x509.Certificate
	Signer      crypto.Signer // of Certificate's key; nil if another CA signs, whose lists are its own business

	// IDPURL is where the list is to be found: the full name in the critical
	// extension issuingDistributionPoint, RFC 5280 §5.2.5. "" leaves that out.
	IDPURL string

	// CRL are its own settings; nil means Settings.CRL.
	CRL *CRLSettings
}

const defaultCacheDuration = 24 * time.Hour

// issuer is an Issuer that can sign lists.
type issuer struct {
	Issuer
	CRLSettings // in effect
	hash        store.IssuerHash
	algorithm   algorithm
}

// settings are Settings that were found to be good; they do not change.
type settings struct {
	issuers []*issuer
	sshKeys []krlKey
}

func newSettings(in Settings, keeps bool) (*settings, error) {
	st := &settings{sshKeys: newKRLKeys(in.SSHUserKeys, in.SSHHostKeys)}
	for _, i := range in.Issuers {
		iss := &issuer{Issuer: i, CRLSettings: in.CRL, hash: store.HashIssuer(i.Name)}
		if i.CRL != nil {
			iss.CRLSettings = *i.CRL
		}
		if err := iss.CRLSettings.complete(); err != nil {
			return nil, err
		}
		if iss.Enabled && !keeps {
			return nil, errors.New(`crl.enabled needs a database: add "db" to the configuration`)
		}
		if iss.makesLists() {
			if err := iss.init(); err != nil {
				return nil, fmt.Errorf("CRL of issuer %q: %w", i.Name, err)
			}
		}
		st.issuers = append(st.issuers, iss)
	}
	return st, nil
}

// complete puts defaults in the place of what is not set.
func (c *CRLSettings) complete() error {
	if c.CacheDuration <= 0 {
		c.CacheDuration = defaultCacheDuration
	}
	if c.RenewPeriod <= 0 {
		c.RenewPeriod = c.CacheDuration / 3 * 2
	}
	c.CacheDuration = max(c.CacheDuration.Truncate(time.Second), time.Second) // what a list can say
	c.RenewPeriod = max(c.RenewPeriod, time.Second)
	if c.RenewPeriod > c.CacheDuration {
		return errors.New("crl.cacheDuration must be greater than or equal to crl.renewPeriod")
	}
	return nil
}

// enabled reports whether any issuer has a list.
func (st *settings) enabled() bool {
	return slices.ContainsFunc(st.issuers, func(i *issuer) bool { return i.Enabled })
}

// makesLists reports whether its lists are wanted and made here.
func (i *issuer) makesLists() bool { return i.Enabled && i.Certificate != nil && i.Signer != nil }

// init checks what RFC 5280 §4.2.1.2 and §4.2.1.3 want of the certificate.
func (i *issuer) init() (err error) {
	switch {
	case i.Certificate.KeyUsage != 0 && i.Certificate.KeyUsage&x509.KeyUsageCRLSign == 0:
		return errors.New("its certificate lacks the key usage cRLSign")
	case len(i.Certificate.SubjectKeyId) == 0:
		return errors.New("its certificate lacks the subject key identifier")
	}
	i.algorithm, err = algorithmFor(i.Signer.Public())
	return err
}

// sameList reports whether lists of the two differ in nothing but their entries.
func (i *issuer) sameList(j *issuer) bool {
	return i.Name == j.Name && i.IDPURL == j.IDPURL && i.Certificate.Equal(j.Certificate)
}

// find returns the issuer of that name, "" for the default; or nil.
func (st *settings) find(name string) *issuer {
	for _, i := range st.issuers {
		if name == "" || i.Name == name {
			return i
		}
	}
	return nil
}

func (st *settings) defaultIssuer() string {
	if i := st.find(""); i != nil {
		return i.Name
	}
	return ""
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
