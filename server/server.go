package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"stepca/acme"
	"stepca/acme/acmeserver"
	"stepca/kv"
	"stepca/revocation"
	"stepca/store"
)

// A Server is a running CA. Make one with Open, then call Run.
type Server struct {
	opts    Options
	log     *slog.Logger
	metrics *metrics
	notify  notifier
	prof    *profiler // nil unless asked for
	control *control  // nil with a database that others can open
	offline bool      // no listener, and so no certificate of its own

	// Open for as long as the process lives.
	db         kv.Engine
	store      *store.Store
	revocation *revocation.Service // nil without a database

	acme          *acmeserver.Backend // nil without a database
	acmeValidator acme.Validator

	// current is swapped as a whole by Reload and never changed in place.
	current atomic.Pointer[authority]

	mu        sync.Mutex         // one reload at a time; guards listeners
	listeners map[role]*listener // that are bound
	serving   chan struct{}      // closed when Run serves; a reload waits for it
	failed    chan error         // a listener that ended by itself
	draining  sync.WaitGroup     // listeners of earlier configurations
	retiring  []func()           // close the authorities of earlier configurations, if they are not closed yet
}

// Open reads the configuration, opens the store and the keys, and binds the
// addresses, so that whatever can fail has failed before anything is served.
func Open(ctx context.Context, opts Options, log *slog.Logger) (_ *Server, err error) {
	s := newServer(opts, log)
	if s.prof, err = newProfiler(opts.Getenv); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.prof.close()
		}
	}()
	a, err := s.assemble(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			a.close()
			s.db.Close()
		}
	}()
	sockets, err := inheritedSockets(opts.Getenv)
	if err != nil {
		return nil, err
	}
	defer sockets.rest()
	listeners, _, err := s.bind(a.cfg, sockets)
	if err != nil {
		return nil, err
	}
	for _, l := range listeners {
		s.listeners[l.role] = l
	}
	if s.control, err = newControl(a.cfg.DB, &externalKeys{s, s.current.Load}); err != nil {
		s.log.Warn("commands on this machine cannot reach the running server", "error", err)
		err = nil
	}
	s.registerGauges()
	s.use(a)
	s.banner(a)
	return s, nil
}

func newServer(opts Options, log *slog.Logger) *Server {
	return &Server{
		opts: opts, log: log, notify: newNotifier(opts.Getenv),
		metrics:   newMetrics(opts.Version, time.Now()),
		listeners: make(map[role]*listener),
		serving:   make(chan struct{}),
		failed:    make(chan error, 1),
	}
}

// assemble reads the configuration, opens the store, and makes everything but
// the listeners.
func (s *Server) assemble(ctx context.Context) (a *authority, err error) {
	cfg, err := s.loadConfig()
	if err != nil {
		return nil, err
	}
	if s.store, s.db, err = openStore(ctx, cfg.DB, s.opts.Engines, s.log); err != nil {
		return nil, err
	}
	defer func() {
		if err == nil {
			return
		}
		if a != nil {
			a.close()
		}
		s.db.Close()
	}()
	if err := s.store.DefineViews(ctx); err != nil {
		return nil, fmt.Errorf("creating the views of the database: %w", err)
	}
	started := time.Now()
	switch {
	case s.offline:
		started = time.Time{} // its tokens were made by whoever opened it, before
	case activated(s.opts.Getenv) && durable(cfg.DB):
		started = time.Time{} // clients waited in the socket with theirs, and used ones are on record
	}
	if a, err = s.build(ctx, cfg, started); err != nil {
		return nil, err
	}
	if s.store.Keeps() {
		s.revocation, err = revocation.New(revocation.Config{
			Store: s.store, Log: s.log, Shared: shared(cfg.DB), Settings: a.revocationSettings(),
		})
		if err != nil {
			return a, err
		}
		if err := s.openACME(ctx, cfg.DB); err != nil {
			return a, err
		}
	}
	s.warnACME(a)
	return a, s.buildAPI(a)
}

// Run serves until ctx ends, then drains. It returns nil after a clean stop.
func (s *Server) Run(ctx context.Context) error {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx)) // outlives the draining
	group, work := errgroup.WithContext(work)
	group.Go(func() error { return s.store.Run(work) })
	if s.revocation != nil {
		group.Go(func() error { return s.revocation.Run(work) })
	}
	if s.acme != nil {
		group.Go(func() error { return s.acme.Run(work) })
	}
	group.Go(func() error { s.watchdog(work); return nil })
	group.Go(func() error { return s.prof.serve(work) })
	group.Go(func() error { return s.control.serve(work) })

	s.mu.Lock()
	s.current.Load().start(work)
	for _, l := range s.bound() {
		s.serve(l)
	}
	close(s.serving)
	s.mu.Unlock()
	s.notify.ready()

	var err error
	select {
	case <-ctx.Done():
	case err = <-s.failed:
	case <-work.Done():
	}
	s.notify.stopping()
	return errors.Join(err, s.shutdown(stopWork, group))
}

// shutdown drains the requests, then ends the background work, then closes keys
// and store: nothing is closed that a request could still need.
func (s *Server) shutdown(stopWork func(), group *errgroup.Group) error {
	s.log.Info("shutting down ...")
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	var closing errgroup.Group
	for _, l := range s.listeners {
		closing.Go(func() error { return l.close(ctx) })
	}
	err := closing.Wait()
	s.draining.Wait()
	for _, retire := range s.retiring {
		retire()
	}
	stopWork()
	err = errors.Join(err, group.Wait(), s.current.Load().close(), s.db.Close())
	if err != nil {
		return fmt.Errorf("shutting down: %w", err)
	}
	return nil
}

// Close lets go of everything a Server that was opened and never run holds.
func (s *Server) Close() error {
	var errs []error
	for _, l := range s.listeners {
		errs = append(errs, l.net.Close())
	}
	return errors.Join(append(errs, s.prof.close(), s.control.close(), s.current.Load().close(), s.db.Close())...)
}

// fail hears of a listener that ended by itself; the first ends the server.
func (s *Server) fail(err error) {
	select {
	case s.failed <- err:
	default:
	}
}

// use makes an authority the current one and gives it to the listeners.
func (s *Server) use(a *authority) {
	s.current.Store(a)
	s.metrics.setIssuers(a.issuer.Authorities())
	for r, l := range s.listeners {
		switch r {
		case roleHTTPS:
			l.use(a.api, a.tls)
		case roleHTTP:
			l.use(a.api.Public(), nil)
		case roleMetrics:
			l.use(s.metrics.handler(), nil)
		}
	}
}

// Addr returns the address on which HTTPS is served: the real port where the
// configuration has 0.
func (s *Server) Addr() string { return s.listeners[roleHTTPS].net.Addr().String() }
