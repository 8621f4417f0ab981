package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"stepca/acme"
	"stepca/acme/acmeserver"
	"stepca/config"
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
	if err := s.bind(a.cfg, sockets); err != nil {
		return nil, err
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
	if !s.store.Keeps() {
		if cfg.CRL.IsEnabled() {
			return a, errors.New("could not generate a CRL: crl.enabled needs a database, and db is not configured")
		}
		s.warnACME(a)
		return a, nil
	}
	s.revocation, err = revocation.New(revocation.Config{
		Store: s.store, Log: s.log, Shared: shared(cfg.DB), Settings: a.revocationSettings(),
	})
	if err != nil {
		return a, err
	}
	if err := s.openACME(ctx, cfg.DB); err != nil {
		return a, err
	}
	s.warnACME(a)
	a.api, err = s.buildAPI(a)
	return a, err
}

// loadConfig reads the file and refuses what Check calls an error. Warnings go
// to the log, one line each.
func (s *Server) loadConfig() (*config.Config, error) {
	cfg, err := config.Load(s.opts.ConfigFile)
	if err != nil {
		return nil, err
	}
	faults := cfg.Check()
	for _, f := range faults.Warnings() {
		s.log.Warn("configuration", "file", s.opts.ConfigFile, "fault", f.String())
	}
	if err := faults.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", s.opts.ConfigFile, err)
	}
	return cfg, nil
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
		l.serve(s.log, s.fail)
		fmt.Fprintf(s.opts.Stderr, "%s Serving %s on %s ...\n", stamp(), l.protocol(), l.shown())
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

// addresses are the listeners that a configuration asks for.
func addresses(cfg *config.Config) map[role]string {
	want := map[role]string{roleHTTPS: cfg.Address}
	if cfg.InsecureAddress != "" {
		want[roleHTTP] = cfg.InsecureAddress
	}
	if cfg.MetricsAddress != "" {
		want[roleMetrics] = cfg.MetricsAddress
	}
	return want
}

// bind binds all addresses of a configuration, or none.
func (s *Server) bind(cfg *config.Config, sockets *activation) error {
	for r, address := range addresses(cfg) {
		l, err := listen(r, address, sockets)
		if err != nil {
			for _, l := range s.listeners {
				l.net.Close()
			}
			return fmt.Errorf("%s: %w", addressKey[r], err)
		}
		s.listeners[r] = l
	}
	return nil
}

// addressKey is the key of ca.json that an address comes from.
var addressKey = map[role]string{roleHTTPS: "address", roleHTTP: "insecureAddress", roleMetrics: "metricsAddress"}

// bound returns the listeners in a fixed order.
func (s *Server) bound() []*listener {
	var list []*listener
	for _, r := range []role{roleHTTPS, roleHTTP, roleMetrics} {
		if l := s.listeners[r]; l != nil {
			list = append(list, l)
		}
	}
	return list
}

func (l *listener) protocol() string {
	if l.role == roleHTTPS {
		return "HTTPS"
	}
	return "HTTP"
}

// shown is the address for people: as configured, but with the real port where
// that leaves the choice to the system.
func (l *listener) shown() string {
	if _, port, err := net.SplitHostPort(l.address); err == nil && port == "0" {
		return l.net.Addr().String()
	}
	return l.address
}

// Addr returns the address on which HTTPS is served: the real port where the
// configuration has 0.
func (s *Server) Addr() string { return s.listeners[roleHTTPS].net.Addr().String() }

// watchdog tells the service manager that the process is alive, if it asks.
func (s *Server) watchdog(ctx context.Context) {
	if s.notify.watchdog == 0 {
		return
	}
	tick := time.NewTicker(s.notify.watchdog / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.notify.alive()
		}
	}
}

// registerGauges adds what is read off the store at each scrape.
func (s *Server) registerGauges() {
	s.metrics.gauge("refusals_not_recorded", "Number of refusals that were counted but not stored, because there were too many",
		func() float64 { return float64(s.store.RefusalsMissed()) })
	if q, ok := s.db.(interface{ QueueDepth() int }); ok {
		s.metrics.gauge("store_queue_depth", "Number of transactions waiting for the disk", func() float64 { return float64(q.QueueDepth()) })
	}
}

// stamp begins the lines that scripts know from the reference's standard logger.
func stamp() string { return time.Now().Format("2006/01/02 15:04:05") }
