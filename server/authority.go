package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"stepca/api"
	"stepca/apiserver"
	"stepca/config"
	"stepca/issue"
	"stepca/keyfile"
	"stepca/kms"
	"stepca/policy"
	"stepca/provisioner"
	"stepca/revocation"
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
	api          *apiserver.Server
	tls          *tls.Config
	ssh          *sshAuthority // nil without the section "ssh"
	keys         kms.Engine
	more         []kms.Engine // opened with passwords of their own

	stop context.CancelFunc
	done sync.WaitGroup // the goroutines of this authority
}

// build makes an authority from a configuration. It starts nothing and changes
// nothing, so that a faulty configuration leaves no trace.
func (s *Server) build(ctx context.Context, cfg *config.Config, started time.Time) (_ *authority, err error) {
	if cfg.IsRA() {
		return nil, fmt.Errorf("authority.type %q (registration authority mode) is not supported by this version", cfg.Authority.Type)
	}
	if cfg.Authority.EnableAdmin {
		s.log.Warn("authority.enableAdmin: remote management is not part of this version: the admin API is not served, and the provisioners are those of this file", "file", cfg.File())
	}
	a := &authority{cfg: cfg}
	defer func() {
		if err != nil && a.keys != nil {
			a.closeKeys()
		}
	}()
	if a.roots, err = loadBundles(cfg.Root); err != nil {
		return nil, err
	}
	if a.federated, err = loadBundles(cfg.FederatedRoots); err != nil {
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
	if a.tls, err = a.tlsConfig(); err != nil {
		return nil, err
	}
	a.api, err = s.buildAPI(a)
	return a, err
}

// loadBundles reads the certificates of several PEM files, in order.
func loadBundles(files []string) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for _, name := range files {
		certs, err := keyfile.LoadCertificates(name)
		if err != nil {
			return nil, err
		}
		all = append(all, certs...)
	}
	return all, nil
}

// openIssuers opens the keys of all issuers.
func (s *Server) openIssuers(ctx context.Context, a *authority) ([]*issue.Authority, error) {
	var err error
	if a.keys, err = s.openKMS(ctx, a.cfg, s.opts.password(a.cfg)); err != nil {
		return nil, err
	}
	var issuers []*issue.Authority
	for _, is := range a.cfg.AllIssuers() {
		if is.OCSP.IsEnabled() {
			return nil, fmt.Errorf("ocsp.enabled of issuer %q: this version answers no OCSP requests; use crl", is.Name)
		}
		chain, err := keyfile.LoadCertificates(is.Crt)
		if err != nil {
			return nil, err
		}
		roots := a.roots
		if len(is.Root) > 0 {
			more, err := loadBundles(is.Root)
			if err != nil {
				return nil, err
			}
			a.roots = append(a.roots, more...)
			roots = append(more, roots...)
		}
		key, err := a.keys.Signer(ctx, is.Key)
		if errors.Is(err, keyfile.ErrPassword) {
			return nil, fmt.Errorf("%w: give the password of this key with --password-file, or as \"password\" in %s", err, a.cfg.File())
		}
		if err != nil {
			return nil, err
		}
		if err := keyfile.CheckPair(chain[0], key); err != nil {
			return nil, fmt.Errorf("%s and %s do not belong together: %w", is.Crt, is.Key, err)
		}
		if now := time.Now(); now.After(chain[0].NotAfter) {
			return nil, fmt.Errorf("the certificate of issuer %q, %s, expired on %s: renew it with the root key (step certificate sign) and start again",
				is.Name, is.Crt, chain[0].NotAfter.Format(time.RFC3339))
		}
		au := &issue.Authority{
			Name: is.Name, Chain: chain, Roots: roots, State: issue.State(is.State),
			Key: countedSigner{key, s.metrics},
		}
		if is.AIA != nil {
			au.Pointers = issue.Pointers{OCSPServer: is.AIA.OCSP, IssuingCertificateURL: is.AIA.CAIssuers, CRLDistributionPoints: is.AIA.CRL}
		}
		issuers = append(issuers, au)
	}
	return issuers, nil
}

func (s *Server) buildProvisioners(a *authority, started time.Time) error {
	var list []provisioner.Provisioner
	for i, raw := range a.cfg.Authority.Provisioners {
		p, err := provisioner.Parse(raw)
		if err != nil {
			return fmt.Errorf("authority.provisioners[%d]: %w", i, err)
		}
		list = append(list, p)
	}
	pool := x509.NewCertPool()
	for _, crt := range a.roots {
		pool.AddCert(crt)
	}
	userKeys, hostKeys := a.ssh.trusted()
	var err error
	a.provisioners, err = provisioner.NewCollection(list, provisioner.Config{
		Claims:               a.cfg.Authority.Claims,
		DNSNames:             a.cfg.ServerNames(),
		StepPath:             s.opts.StepPath,
		Roots:                pool,
		SSHUserKeys:          userKeys,
		SSHHostKeys:          hostKeys,
		Started:              started,
		DisableIssuedAtCheck: a.cfg.Authority.DisableIssuedAtCheck,
		Log:                  s.log,
	})
	return err
}

// buildIssuer makes the pipeline. A template that cannot be parsed is reported
// now and refused when it is asked for: the other provisioners go on.
func (s *Server) buildIssuer(a *authority, issuers []*issue.Authority) error {
	cfg := issue.Config{
		Authorities: issuers,
		Store:       s.store,
		Lint:        issue.LintMode(a.cfg.Lint.Mode()),
		Observer:    s.metrics,
		Backdate:    a.cfg.Authority.BackdateDuration(),
	}
	if cfg.Backdate == 0 {
		cfg.Backdate = -1 // none, where zero would be the default
	}
	if a.cfg.Logger == nil { // else the access log has a line for each request
		cfg.Log = s.log
	}
	if t := a.cfg.Authority.Template; t != nil {
		cfg.Subject = *t
	}
	var err error
	if rules := a.cfg.Authority.Policy; rules != nil {
		if cfg.Policy, err = policy.NewX509(rules.X509); err != nil {
			return fmt.Errorf("authority.policy.x509: %w", err)
		}
	}
	if cfg.ProvisionerPolicies, err = provisionerPolicies(a.provisioners); err != nil {
		return err
	}
	if cfg.SSHPolicy, cfg.ProvisionerSSHPolicies, err = sshPolicies(a.cfg, a.provisioners); err != nil {
		return err
	}
	if a.ssh.signs() {
		cfg.SSH = &a.ssh.signers
	}
	if a.issuer, err = issue.New(cfg); err != nil {
		return err
	}
	for _, t := range a.provisioners.Templates() {
		parse := a.issuer.ParseTemplate
		if t.SSH {
			parse = a.issuer.ParseSSHTemplate
		}
		if err := parse(t.Source); err != nil {
			s.log.Error("a template cannot be parsed: requests for it will be refused", "provisioner", t.Provisioner, "error", err)
		}
	}
	return nil
}

// provisionerPolicies compiles the name policies of single provisioners, by ID.
func provisionerPolicies(c *provisioner.Collection) (map[string]*policy.X509, error) {
	compiled := make(map[string]*policy.X509)
	for _, p := range c.All() {
		if len(p.Policy()) == 0 {
			continue
		}
		rules, err := policy.Parse(p.Policy())
		if err != nil {
			return nil, fmt.Errorf("policy of provisioner %q: %w", p.Ref().Name, err)
		}
		compiled[p.Ref().ID] = rules.X509
	}
	return compiled, nil
}

// tlsConfig is what the HTTPS listener speaks. Client certificates are verified
// if they are given; routes decide whether they need one.
func (a *authority) tlsConfig() (*tls.Config, error) {
	clients := x509.NewCertPool()
	for _, crt := range a.roots {
		clients.AddCert(crt)
	}
	for _, is := range a.issuer.Authorities() {
		for _, crt := range is.Chain {
			clients.AddCert(crt)
		}
	}
	cfg := &tls.Config{
		GetCertificate: a.own.get,
		ClientAuth:     tls.VerifyClientCertIfGiven,
		ClientCAs:      clients,
		NextProtos:     []string{"http/1.1"},
	}
	if err := a.cfg.TLS.Apply(cfg); err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	if a.cfg.TLS.HTTP2() {
		cfg.NextProtos = []string{"h2", "http/1.1"}
	}
	return cfg, nil
}

func (s *Server) buildAPI(a *authority) (*apiserver.Server, error) {
	eff := a.cfg.TLS.WithDefaults()
	var intermediates []*x509.Certificate
	for _, is := range a.issuer.Authorities() {
		intermediates = append(intermediates, is.Chain...)
	}
	cfg := apiserver.Config{
		Issuer:       a.issuer,
		Provisioners: a.provisioners,
		Records:      records{s.store, a.issuer.Authorities()},
		SSHRecords:   records{s.store, a.issuer.Authorities()},

		SSHHostsDisabled: a.cfg.Authority.DisableGetSSHHosts,

		Revocation:    s.revocation,
		Roots:         a.roots,
		Federated:     a.federated,
		Intermediates: intermediates,
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
			return nil, err
		}
		cfg.TraceHeader = l.TraceHeader
		cfg.AccessLog = s.opts.accessLog(format)
	}
	return apiserver.New(cfg), nil
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

// revocationSettings are the part of the configuration that the long-lived
// revocation service takes over at a reload.
func (a *authority) revocationSettings() revocation.Settings {
	var set revocation.Settings
	for _, is := range a.cfg.AllIssuers() {
		au := a.issuer.Authority(is.Name)
		entry := revocation.Issuer{Name: is.Name, Certificate: au.Certificate(), Signer: au.Key, CRL: new(revocation.CRLSettings)}
		if c := is.CRL; c.IsEnabled() {
			*entry.CRL = revocation.CRLSettings{
				Enabled: true, GenerateOnRevoke: c.GenerateOnRevoke, CacheDuration: c.Cache(), RenewPeriod: c.Renew(),
			}
			// To RFC 5280 §6.3.3 and OpenSSL, a list with a distribution point is only
			// for certificates that name the same one. Ours name none but what the
			// configuration or a template has them name, so that the list has none
			// either by default, where the reference makes one up.
			if inherited := is.Name != issue.DefaultAuthority && c == a.cfg.CRL; !inherited {
				entry.IDPURL = c.IDPURL
			}
		}
		set.Issuers = append(set.Issuers, entry)
	}
	if a.ssh.signs() {
		set.SSHUserKeys, set.SSHHostKeys = a.ssh.trusted()
	}
	return set
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

func (a *authority) closeKeys() error {
	err := a.keys.Close()
	for _, engine := range a.more {
		err = errors.Join(err, engine.Close())
	}
	return err
}
