package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"stepca/config"
)

// errDatabaseChanged refuses a reload: the store stays open across reloads.
var errDatabaseChanged = errors.New("the database configuration has changed")

// Reload reads the configuration again and takes it into use. Requests under way
// end on the old one; no listener that stays is closed and no connection drops. A
// faulty configuration changes nothing, and the error says why.
func (s *Server) Reload(ctx context.Context) (err error) {
	select {
	case <-s.serving:
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil { // shutting down
		return ctx.Err()
	}
	s.log.Info("reloading ...")
	s.notify.reloading()
	defer func() {
		s.notify.ready()
		s.metrics.reloads.WithLabelValues(fmt.Sprint(err == nil)).Inc()
		if err == nil {
			s.log.Info("reloaded", "file", s.opts.ConfigFile)
			return
		}
		s.log.Error("Reload failed: "+err.Error(), "hint", "Continuing to run with the original configuration. You can force a restart by sending a SIGTERM signal and then restarting the step-ca.")
	}()

	cfg, err := s.loadConfig()
	if err != nil {
		return fmt.Errorf("error reloading ca configuration: %w", err)
	}
	old := s.current.Load()
	if !sameJSON(cfg.DB, old.cfg.DB) {
		return fmt.Errorf("Reload failed because %w", errDatabaseChanged)
	}
	next, err := s.build(ctx, cfg, time.Now())
	if err != nil {
		return fmt.Errorf("the CA with new configuration could not be initialized: %w", err)
	}
	if cfg.CRL.IsEnabled() && s.revocation == nil {
		return errors.Join(errors.New("crl.enabled needs a database, and db is not configured"), next.close())
	}
	added, removed, err := s.changeListeners(cfg)
	if err != nil {
		return errors.Join(err, next.close())
	}
	if s.revocation != nil {
		if err := s.revocation.Reload(next.revocationSettings()); err != nil {
			for _, l := range added {
				l.net.Close()
			}
			return errors.Join(err, next.close())
		}
	}
	s.swap(ctx, next, added, removed)
	return nil
}

// changeListeners binds the addresses that are new. Nothing is closed yet.
func (s *Server) changeListeners(cfg *config.Config) (added, removed []*listener, err error) {
	want := addresses(cfg)
	for r, address := range want {
		if l := s.listeners[r]; l != nil && l.address == address {
			continue
		}
		l, err := listen(r, address, nil)
		if err != nil {
			for _, l := range added {
				l.net.Close()
			}
			return nil, nil, fmt.Errorf("%s: %w", addressKey[r], err)
		}
		added = append(added, l)
	}
	for r, l := range s.listeners {
		if want[r] != l.address {
			removed = append(removed, l)
		}
	}
	return added, removed, nil
}

// swap takes the next authority into use and retires the old one when the
// requests that began on it must have ended.
func (s *Server) swap(ctx context.Context, next *authority, added, removed []*listener) {
	old := s.current.Load()
	for _, l := range removed {
		delete(s.listeners, l.role)
	}
	for _, l := range added {
		s.listeners[l.role] = l
	}
	next.start(context.WithoutCancel(ctx))
	s.use(next)
	for _, l := range added {
		l.serve(s.log, s.fail)
		fmt.Fprintf(s.opts.Stderr, "%s Serving %s on %s ...\n", stamp(), l.protocol(), l.shown())
	}
	for _, l := range removed {
		s.draining.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
			defer cancel()
			if err := l.close(ctx); err != nil {
				s.log.Warn("closing a listener that the new configuration has not", "address", l.address, "error", err)
			}
		})
	}
	retire := func() {
		if err := old.close(); err != nil {
			s.log.Warn("closing the keys of the previous configuration", "error", err)
		}
	}
	// A request lasts no longer than its read and write time limits.
	timer := time.AfterFunc(2*ioTimeout, retire)
	s.retiring = append(s.retiring, func() {
		if timer.Stop() {
			retire()
		}
	})
}

// sameJSON compares two parts of a configuration by what they say.
func sameJSON(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
