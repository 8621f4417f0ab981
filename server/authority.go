package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"stepca/apiserver"
	"stepca/config"
	"stepca/issue"
	"stepca/kms"
	"stepca/provisioner"
)

// An authority is everything that comes out of one reading of ca.json. It does
// not change; a reload makes the next one.
type authority struct {
	cfg          *config.Config
	roots        []*x509.Certificate
	federated    []*x509.Certificate
	issuer       *issue.Issuer
	provisioners *provisioner.Collection
	own          *ownCertificate
	tls          *tls.Config
	api          *apiserver.Server // set by buildAPI
	ssh          *sshAuthority     // nil without the section "ssh"
	keys         kms.Engine
	more         []kms.Engine // opened with passwords of their own

	stop context.CancelFunc
	done sync.WaitGroup // the goroutines of this authority
}

// build makes an authority from a configuration, but for its handlers, which need
// what lives as long as the server. It starts nothing and changes nothing, so that a
// faulty configuration leaves no trace.
func (s *Server) build(ctx context.Context, cfg *config.Config, started time.Time) (_ *authority, err error) {
	a := &authority{cfg: cfg}
	defer func() {
		if err != nil && a.keys != nil {
			a.closeKeys()
		}
	}()
	if a.roots, err = loadBundles(cfg.Root); err != nil {
		return nil, fmt.Errorf("root: %w", err)
	}
	if a.federated, err = loadBundles(cfg.FederatedRoots); err != nil {
		return nil, fmt.Errorf("federatedRoots: %w", err)
	}
	if a.keys, err = s.openKMS(ctx, cfg, s.opts.password(cfg)); err != nil {
		return nil, err
	}
	issuers, err := s.openIssuers(ctx, a)
	if err != nil {
		return nil, err
	}
	if a.ssh, err = s.openSSH(ctx, a); err != nil {
		return nil, err
	}
	if err := s.buildProvisioners(a, started); err != nil {
		return nil, err
	}
	if err := s.buildIssuer(a, issuers); err != nil {
		return nil, err
	}
	a.own = &ownCertificate{
		issuer: a.issuer, commonName: cfg.ServerCommonName(), names: cfg.ServerNames(), now: time.Now, log: s.log,
	}
	if !s.offline {
		if err := a.own.renew(ctx); err != nil {
			return nil, fmt.Errorf("issuing the server's own certificate: %w", err)
		}
	}
	a.tls, err = a.tlsConfig()
	return a, err
}

// bracketed returns an IPv6 address as URLs have it, and other names as they are.
func bracketed(name string) string {
	if strings.Contains(name, ":") {
		return "[" + name + "]"
	}
	return name
}

// url is the primary URL of the CA.
func (a *authority) url() string {
	name := a.cfg.ServerNames()[0]
	_, port, err := net.SplitHostPort(a.cfg.Address)
	if err != nil || port == "" || port == "443" {
		return "https://" + bracketed(name)
	}
	return "https://" + net.JoinHostPort(name, port)
}

// start begins the authority's background work.
func (a *authority) start(ctx context.Context) {
	ctx, a.stop = context.WithCancel(ctx)
	a.done.Go(func() { a.own.run(ctx) })
}

// close ends the background work and lets go of the keys. Requests that still
// use the authority must have ended.
func (a *authority) close() error {
	if a.stop != nil {
		a.stop()
		a.done.Wait()
	}
	return a.closeKeys()
}
