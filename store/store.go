package store

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"stepca/ca"
	"stepca/kv"
)

// Errors that callers decide upon, found with errors.Is. They come wrapped in a
// *ca.Error where the requester may learn of them.
var (
	ErrTokenUsed    = errors.New("one-time ID was used before")
	ErrSerialExists = errors.New("serial number exists already")
	ErrExists       = errors.New("record exists already") // an ACME object with that ID, key or reference
)

// Options say how a Store works. The zero value is useful.
type Options struct {
	Now func() time.Time // current time; nil means time.Now
	Log *slog.Logger     // background work; nil discards

	Retention Retention // how long records are kept; the zero value means the defaults

	// TokensOnly is how a CA without a configured database works: one-time IDs
	// are spent in the engine (one that lives in memory), and nothing else is
	// kept. Reading finds nothing, revoking and listing are ca.ErrNotImplemented.
	TokensOnly bool
}

// A Store keeps records. All methods are safe for concurrent use.
type Store struct {
	engine     kinded
	now        func() time.Time
	log        *slog.Logger
	retention  Retention
	tokensOnly bool

	refusals       chan *Refusal // waiting to be written; drained by Run
	refusalsMissed atomic.Int64  // dropped because of overload, since New
}

// New returns a Store over engine. Nothing happens in the background until Run.
func New(engine kv.Engine, opts Options) *Store {
	s := &Store{
		engine:     kinded{engine},
		now:        opts.Now,
		log:        opts.Log,
		retention:  opts.Retention.withDefaults(),
		tokensOnly: opts.TokensOnly,
		refusals:   make(chan *Refusal, refusalQueue),
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// Keeps reports whether the store keeps more than one-time IDs: whether a
// database is configured.
func (s *Store) Keeps() bool { return !s.tokensOnly }

// Ping reports whether the engine answers.
func (s *Store) Ping(ctx context.Context) error {
	return s.engine.View(ctx, func(r kv.Reader) error {
		_, err := lookup(r, bucketCRLs, []byte("ping"))
		return err
	})
}

// errNoDatabase is what a store without a database answers to a question that
// needs one.
func errNoDatabase() error {
	return ca.Hidden(ca.ErrNotImplemented, "no database is configured: add \"db\" to the configuration")
}

// nowUTC returns the current time in UTC and whole seconds, as records hold it.
func (s *Store) nowUTC() time.Time { return s.now().UTC().Truncate(time.Second) }

// issuedAt completes the time of a record: now if it is not set, UTC and whole
// seconds in any case.
func (s *Store) issuedAt(t *time.Time) {
	if t.IsZero() {
		*t = s.now()
	}
	*t = t.UTC().Truncate(time.Second)
}
