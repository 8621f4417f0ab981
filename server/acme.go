package server

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"

	"stepca/acme"
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
	s.acmeValidator, err = s.opts.ACME.validator()
	return err
}

// validator is the validator that the options make.
func (o *ACMEOptions) validator() (acme.Validator, error) {
	if o.Validator != nil {
		return o.Validator, nil
	}
	cfg := va.Config{HTTPPort: o.HTTPPort, TLSPort: o.TLSPort, StrictFQDN: o.StrictFQDN, HTTPProxy: o.HTTPProxy}
	if o.AndroidStatusFile != "" {
		var err error
		if cfg.AndroidStatus, err = va.AndroidStatusFile(o.AndroidStatusFile); err != nil {
			return nil, fmt.Errorf("--acme-android-status: %w", err)
		}
	}
	return va.New(cfg), nil
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

// warnACME says why ACME provisioners are not served, or not as the environment
// would have it.
func (s *Server) warnACME(a *authority) {
	if !slices.ContainsFunc(a.provisioners.All(), isACME) {
		return
	}
	if s.acme == nil {
		s.log.Warn("WARNING: No database is configured. ACME provisioners are disabled.")
	}
	if s.opts.ACME.HTTPProxy == nil && (s.opts.Getenv("HTTP_PROXY") != "" || s.opts.Getenv("http_proxy") != "") {
		s.log.Warn("http-01 validation does not go through the proxy that HTTP_PROXY names: --acme-http-proxy sets one for it")
	}
}

func isACME(p provisioner.Provisioner) bool {
	_, ok := p.(*provisioner.ACME)
	return ok
}
