package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
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
		s.log.Error("Reload failed because "+err.Error(), "hint", "Continuing to run with the original configuration. You can force a restart by sending a SIGTERM signal and then restarting the step-ca.")
	}()

	cfg, err := s.loadConfig()
	if err != nil {
		return fmt.Errorf("the file cannot be used: error reloading ca configuration: %w", err)
	}
	old := s.current.Load()
	if !sameJSON(cfg.DB, old.cfg.DB) {
		return errDatabaseChanged
	}
	next, err := s.build(ctx, cfg, time.Now())
	if err != nil {
		return fmt.Errorf("the CA with new configuration could not be initialized: %w", err)
	}
	if err := s.buildAPI(next); err != nil {
		return errors.Join(err, next.close())
	}
	added, removed, err := s.bind(cfg, nil)
	if err != nil {
		return errors.Join(err, next.close())
	}
	if s.revocation != nil {
		if err := s.revocation.Reload(next.revocationSettings()); err != nil {
			closeAll(added)
			return errors.Join(err, next.close())
		}
	}
	s.swap(ctx, next, added, removed)
	return nil
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
		s.serve(l)
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
