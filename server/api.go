package server

import (
	"context"
	"errors"
	"fmt"

	"stepca/api"
	"stepca/apiserver"
)

// buildAPI makes the handlers of an authority.
func (s *Server) buildAPI(a *authority) error {
	eff := a.cfg.TLS.WithDefaults()
	cfg := apiserver.Config{
		Issuer:       a.issuer,
		Provisioners: a.provisioners,
		Records:      records{s.store, a.issuer.Authorities()},
		SSHRecords:   records{s.store, a.issuer.Authorities()},

		SSHHostsDisabled: a.cfg.Authority.DisableGetSSHHosts,

		Revocation:    s.revocation,
		Roots:         a.roots,
		Federated:     a.federated,
		Intermediates: a.intermediates(),
		TLSOptions: &api.TLSOptions{
			CipherSuites: eff.CipherSuites, MinVersion: api.TLSVersion(eff.MinVersion),
			MaxVersion: api.TLSVersion(eff.MaxVersion), Renegotiation: eff.Renegotiation,
		},
		Version:  s.opts.Version,
		Ready:    func(ctx context.Context) error { return s.ready(ctx, a) },
		Log:      s.log,
		Observer: s.metrics, Revocations: s.metrics, Refusals: s.store,
		Mounts: s.mountACME(a),
	}
	if a.ssh != nil {
		cfg.SSH = &a.ssh.api
	}
	if l := a.cfg.Logger; l != nil {
		format, err := apiserver.ParseLogFormat(l.Format)
		if err != nil {
			return err
		}
		cfg.TraceHeader = l.TraceHeader
		cfg.AccessLog = s.opts.accessLog(format)
	}
	a.api = apiserver.New(cfg)
	return nil
}

// ready says whether certificates can be issued, and if not, why.
func (s *Server) ready(ctx context.Context, a *authority) error {
	if err := s.store.Ping(ctx); err != nil {
		s.log.Error("the database does not answer", "error", err)
		return errors.New("the database does not answer")
	}
	for _, is := range a.issuer.Authorities() {
		if err := is.Key.Probe(ctx); err != nil {
			s.log.Error("a key cannot be used", "issuer", is.Name, "error", err)
			return fmt.Errorf("the key of issuer %q cannot be used", is.Name)
		}
	}
	if err := a.ssh.probe(ctx); err != nil {
		s.log.Error("an SSH key cannot be used", "error", err)
		return errors.New("a key of the SSH CA cannot be used")
	}
	return nil
}
