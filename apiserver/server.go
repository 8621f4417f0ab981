package apiserver

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net/http"
	"time"

	"stepca/api"
	"stepca/ca"
	"stepca/issue"
	"stepca/provisioner"
	"stepca/revocation"
	"stepca/store"
)

// An Observer hears of requests, for metrics. It must not block.
type Observer interface {
	Began()
	Ended()
	Served(method string, status int, took time.Duration)
}

// Config is what a Server is made of. It is not changed after New.
type Config struct {
	Issuer       *issue.Issuer
	Provisioners *provisioner.Collection
	Records      provisioner.X509Records // what renewals are held against
	Revocation   *revocation.Service     // nil: nothing can be revoked, and there is no CRL

	Roots         []*x509.Certificate
	Federated     []*x509.Certificate // shown beside the roots, not trusted for clients
	Intermediates []*x509.Certificate // issuer first

	SSH        *SSH       // nil without the section "ssh" in the configuration
	SSHRecords SSHRecords // what the CA remembers of SSH certificates

	SSHHostsDisabled bool // no GET /ssh/hosts

	TLSOptions *api.TLSOptions // a hint for clients, sent with each certificate
	Version    string          // of this build; "" is shown as N/A

	// Ready says whether the CA can issue; nil means always. Its error's text is
	// shown to whoever asks.
	Ready func(context.Context) error

	// Mounts are further handlers by path prefix ("/acme/"), behind the same
	// request IDs and access log.
	Mounts map[string]http.Handler

	TraceHeader string     // where a request ID may also stand; "" means api.HeaderLegacyRequestID
	AccessLog   *AccessLog // nil writes none
	Log         *slog.Logger
	Observer    Observer // nil for none

	// Revocations hears of revocations as the pipeline's observer hears of
	// certificates, and Refusals keeps those that were refused; nil for none.
	Revocations issue.Observer
	Refusals    interface{ RecordRefusal(*store.Refusal) }

	// MaxInFlight bounds the requests answered at one time; more are told to
	// come back later. Zero means DefaultMaxInFlight.
	MaxInFlight int
}

// DefaultMaxInFlight keeps the memory of waiting requests within a few tens of
// MiB, and is far beyond what one machine can sign at once.
const DefaultMaxInFlight = 1024

// A Server answers the requests of the HTTP API. It is immutable; a changed
// configuration makes a new one.
type Server struct {
	cfg           Config
	routes        routes // of the HTTPS listener
	public        routes // of the plain HTTP listener: what needs no TLS to be trusted
	byFingerprint map[string]*x509.Certificate
	encoded       *encoded
	slots         chan struct{}
}

// New makes a Server.
func New(cfg Config) *Server {
	if cfg.TraceHeader == "" {
		cfg.TraceHeader = api.HeaderLegacyRequestID
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxInFlight <= 0 {
		cfg.MaxInFlight = DefaultMaxInFlight
	}
	known := append(append([]*x509.Certificate{}, cfg.Roots...), cfg.Federated...)
	s := &Server{
		cfg:           cfg,
		byFingerprint: fingerprints(known),
		encoded:       encode(cfg.Intermediates, cfg.TLSOptions),
		slots:         make(chan struct{}, cfg.MaxInFlight),
	}
	s.addRoutes(known)
	return s
}

func (s *Server) addRoutes(federation []*x509.Certificate) {
	get := func(path string, h endpoint) { s.routes.handle(http.MethodGet, path, h) }
	post := func(path string, h endpoint) { s.routes.handle(http.MethodPost, path, h) }

	get(api.PathVersion, s.version)
	get(api.PathHealth, s.health)
	get(api.PathReady, s.ready)
	get(api.PathRoot+"*", s.root)
	get(api.PathRoots, list(s.cfg.Roots))
	get(api.PathRootsPEM, bundle(s.cfg.Roots))
	get(api.PathIntermediates, list(s.cfg.Intermediates))
	get(api.PathIntermediatesPEM, bundle(s.cfg.Intermediates))
	get(api.PathFederation, list(federation))
	get(api.PathProvisioners, s.provisioners)
	get(api.PathProvisioners+"/*/encrypted-key", s.encryptedKey)
	get(api.PathCRL, s.crl)
	get(api.PathCRL+"/*", s.crl)

	post(api.PathSign, s.sign)
	post(api.PathRenew, s.renew)
	post(api.PathLegacyRenew, s.renew)
	post(api.PathRekey, s.rekey)
	post(api.PathRevoke, s.revoke)

	post(api.PathSSHSign, s.sshSign)
	post(api.PathLegacySSHSign, s.sshSign)
	post(api.PathSSHRenew, s.sshRenew)
	post(api.PathSSHRekey, s.sshRekey)
	post(api.PathSSHRevoke, s.sshRevoke)
	get(api.PathSSHRoots, s.sshRoots)
	get(api.PathSSHFederation, s.sshFederation)
	post(api.PathSSHConfig, s.sshConfig)
	post(api.PathSSHConfig+"/*", s.sshConfig) // the segment means nothing
	post(api.PathSSHCheckHost, s.sshCheckHost)
	get(api.PathSSHHosts, s.sshHosts)
	get(api.PathLegacySSHHosts, s.sshHosts)
	post(api.PathSSHBastion, s.sshBastion)
	get(api.PathSSHKRL, s.sshKRL)

	public := func(path string, h endpoint) { s.public.handle(http.MethodGet, path, h) }
	public(api.PathRootsPEM, bundle(s.cfg.Roots))
	public(api.PathIntermediatesPEM, bundle(s.cfg.Intermediates))
	public(api.PathCRL, s.crl)
	public(api.PathCRL+"/*", s.crl)
}

// ServeHTTP serves the HTTPS listener.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, &s.routes, s.cfg.Mounts)
}

// Public returns the handler of the plain HTTP listener. It serves only what
// carries its own signature or is checked by fingerprint.
func (s *Server) Public() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, &s.public, nil)
	})
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, table *routes, mounts map[string]http.Handler) {
	x := &exchange{ResponseWriter: w, r: r, start: time.Now(), requestID: requestID(r.Header, s.cfg.TraceHeader)}
	w.Header().Set(api.HeaderRequestID, x.requestID)
	if o := s.cfg.Observer; o != nil {
		o.Began()
		defer func() {
			o.Ended()
			o.Served(r.Method, x.status, time.Since(x.start))
		}()
	}
	defer s.cfg.AccessLog.record(x)

	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		x.fail(&ca.Error{Kind: ca.ErrUnavailable, Detail: "The certificate authority is answering as many requests as it can; try again in a few seconds."})
		return
	}
	if h := mounted(mounts, r.URL.Path); h != nil {
		h.ServeHTTP(x, r.WithContext(WithRequestID(r.Context(), x.requestID)))
		return
	}
	s.dispatch(x, table)
}

// mounted returns the handler whose prefix the path begins with, or nil.
func mounted(mounts map[string]http.Handler, path string) http.Handler {
	for prefix, h := range mounts {
		if len(path) >= len(prefix) && path[:len(prefix)] == prefix {
			return h
		}
	}
	return nil
}

func (s *Server) dispatch(x *exchange, table *routes) {
	route, param, ok := table.find(rawPath(x.r))
	switch {
	case !ok:
		x.failBody(api.Error{Status: http.StatusNotFound, Message: "The requested resource could not be found: there is no such path."})
		return
	case !route.allows(x.r.Method):
		x.Header().Set("Allow", route.method)
		x.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	x.param = param
	if err := route.handler(x); err != nil {
		x.fail(err)
	}
}
