package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"stepca/api"
	"stepca/keyfile"
)

// A Config says whom to trust and how to connect. Exactly one source of trust is
// set: Roots, RootFile, Fingerprint or HTTPClient.
type Config struct {
	// Roots are the certificates that the CA's own must chain to.
	Roots []*x509.Certificate

	// RootFile is a PEM file with one or more roots.
	RootFile string

	// Fingerprint is the SHA-256 of the root certificate in hex, in either case,
	// dashes ignored. New then asks the CA for that certificate, which needs no
	// trust, and trusts it alone.
	Fingerprint string

	// HTTPClient, if set, is used as it is, with its own TLS settings and
	// time-outs.
	HTTPClient *http.Client

	// Certificate, if set, is presented when the CA asks for a client
	// certificate: it authenticates Renew, Rekey, and Revoke without a token.
	Certificate *tls.Certificate

	// Transport, if set, makes what carries the requests of a client that presents
	// crt (nil: none), instead of connections to the network: to a CA in the same
	// process, for one. It goes with Roots or RootFile.
	Transport func(crt *tls.Certificate) http.RoundTripper

	// UserAgent is sent with each request; "" means "stepca-client".
	UserAgent string

	// Timeout bounds a request including the reading of its answer; zero means
	// 15 seconds.
	Timeout time.Duration

	// RequestID returns the ID to send with a request; nil means a random UUID
	// for each.
	RequestID func(context.Context) string
}

// Time-outs of connections.
const (
	defaultTimeout   = 15 * time.Second
	dialTimeout      = 30 * time.Second
	handshakeTimeout = 10 * time.Second
	idleTimeout      = 90 * time.Second
)

const defaultUserAgent = "stepca-client"

// errTrust reports a Config without trust.
var errTrust = errors.New("a root certificate, its fingerprint or an HTTP client is needed to trust the certificate authority")

// A Client calls one CA. It is safe for concurrent use.
type Client struct {
	base  *url.URL
	cfg   Config              // Roots is resolved
	roots []*x509.Certificate // nil with HTTPClient
	http  *http.Client
}

// New returns a client of the CA at caURL, in a form that ParseURL reads. It
// connects only to resolve Config.Fingerprint.
func New(ctx context.Context, caURL string, cfg Config) (*Client, error) {
	base, err := ParseURL(caURL)
	if err != nil {
		return nil, err
	}
	if cfg.sources() > 1 {
		return nil, errors.New("multiple sources of trust are configured; choose one")
	}
	c := &Client{base: base, cfg: cfg}
	switch {
	case cfg.HTTPClient != nil:
		c.http = cfg.HTTPClient
		return c, nil
	case len(cfg.Roots) > 0:
		c.roots = slices.Clone(cfg.Roots)
	case cfg.RootFile != "":
		if c.roots, err = keyfile.LoadCertificates(cfg.RootFile); err != nil {
			return nil, err
		}
	case cfg.Fingerprint != "":
		root, err := FetchRoot(ctx, caURL, cfg.Fingerprint, cfg)
		if err != nil {
			return nil, err
		}
		c.roots = []*x509.Certificate{root}
	default:
		return nil, errTrust
	}
	c.http = c.cfg.httpClient(&tls.Config{RootCAs: pool(c.roots)})
	return c, nil
}

// sources counts the sources of trust.
func (cfg *Config) sources() int {
	n := 0
	for _, set := range []bool{cfg.HTTPClient != nil, len(cfg.Roots) > 0, cfg.RootFile != "", cfg.Fingerprint != ""} {
		if set {
			n++
		}
	}
	return n
}

// httpClient returns a client with the settings of cfg and the TLS settings of
// conf, to which it adds the client certificate.
func (cfg *Config) httpClient(conf *tls.Config) *http.Client {
	conf.MinVersion = tls.VersionTLS12
	if crt := cfg.Certificate; crt != nil {
		// Always this certificate: the list of acceptable issuers is a hint, and
		// a chain of ours may lead to a root that the CA knows by other means.
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return crt, nil }
	}
	timeout := cfg.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	var transport http.RoundTripper = &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSClientConfig:     conf,
		TLSHandshakeTimeout: handshakeTimeout,
		IdleConnTimeout:     idleTimeout,
		ForceAttemptHTTP2:   true,
	}
	if cfg.Transport != nil {
		transport = cfg.Transport(cfg.Certificate)
	}
	return &http.Client{
		Timeout:   timeout,
		Transport: transport,
		// The API has no redirects; following one could carry a token elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// WithCertificate returns a client of the same CA that presents crt. It shares
// no connections with c; close them with CloseIdleConnections. It cannot be used
// with Config.HTTPClient.
func (c *Client) WithCertificate(crt *tls.Certificate) (*Client, error) {
	if c.roots == nil {
		return nil, errors.New("a client with an HTTP client of its own cannot change its certificate")
	}
	d := *c
	d.cfg.Certificate = crt
	d.http = d.cfg.httpClient(&tls.Config{RootCAs: pool(c.roots)})
	return &d, nil
}

// URL returns the address of the CA: scheme, host and port if given.
func (c *Client) URL() string { return c.base.String() }

// Audience returns what the audience of a token for this CA begins with; the path
// of a route follows.
func (c *Client) Audience() string { return c.URL() + api.Prefix }

// TrustedRoots returns the certificates that the client trusts; nil with
// Config.HTTPClient.
func (c *Client) TrustedRoots() []*x509.Certificate { return slices.Clone(c.roots) }

// CloseIdleConnections closes connections that no request is using.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }
