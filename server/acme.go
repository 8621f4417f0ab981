package server

import (
	"context"
	"net"
	"net/http"

	"stepca/acme/acmeserver"
	"stepca/acme/va"
	"stepca/apiserver"
	"stepca/config"
	"stepca/provisioner"
)

// openACME makes what ACME servers of successive configurations have in common.
func (s *Server) openACME(ctx context.Context, db *config.DB) error {
	var err error
	s.acme, err = acmeserver.NewBackend(ctx, acmeserver.BackendConfig{Store: s.store, Shared: shared(db), Log: s.log})
	if err != nil {
		return err
	}
	if s.acmeValidator = s.opts.ACME.Validator; s.acmeValidator == nil {
		s.acmeValidator = va.New(va.Config{
			HTTPPort:   s.opts.ACME.HTTPPort,
			TLSPort:    s.opts.ACME.TLSPort,
			StrictFQDN: s.opts.ACME.StrictFQDN,
			Proxy:      http.ProxyFromEnvironment,
			Log:        s.log,
		})
	}
	return nil
}

// mountACME returns the handlers of the ACME provisioners, of which there are none
// without a database.
func (s *Server) mountACME(a *authority) map[string]http.Handler {
	if s.acme == nil {
		return nil
	}
	_, port, err := net.SplitHostPort(a.cfg.Address)
	if err != nil {
		port = ""
	}
	handler := acmeserver.New(s.acme, acmeserver.Config{
		Issuer:       a.issuer,
		Provisioners: a.provisioners,
		Revocation:   s.revocation,
		Validator:    s.acmeValidator,
		Hosts:        a.cfg.ServerNames(),
		Port:         port,
		RequestID:    apiserver.RequestID,
	})
	mounts := make(map[string]http.Handler)
	for _, prefix := range acmeserver.Prefixes {
		mounts[prefix] = handler
	}
	return mounts
}

// warnACME says why ACME provisioners are not served.
func (s *Server) warnACME(a *authority) {
	if s.acme != nil {
		return
	}
	for _, p := range a.provisioners.All() {
		if _, ok := p.(*provisioner.ACME); ok {
			s.log.Warn("WARNING: No database is configured. ACME provisioners are disabled.")
			return
		}
	}
}
