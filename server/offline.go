package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
)

// An Offline is the CA of a configuration inside this process. Nothing listens:
// its callers are in the same process and use Transport. It works on the real
// database, which an embedded engine gives to one process at a time.
type Offline struct {
	*externalKeys
	server    *Server
	authority *authority
}

// OpenOffline reads the configuration and opens the store and the keys. Unlike
// Open it binds no address, needs no certificate of its own, and starts no
// background work. Options.Stderr gets the access log, if one is configured; nil
// discards it. Close the result.
func OpenOffline(ctx context.Context, opts Options, log *slog.Logger) (*Offline, error) {
	if opts.Stderr == nil {
		opts.Stderr = io.Discard
	}
	s := newServer(opts, log)
	s.offline = true
	a, err := s.assemble(ctx)
	if err != nil {
		return nil, err
	}
	return &Offline{&externalKeys{s, func() *authority { return a }}, s, a}, nil
}

// URL is the address in the audience of tokens for this CA: https and its first
// DNS name.
func (o *Offline) URL() string { return "https://" + bracketed(o.authority.cfg.ServerNames()[0]) }

// Roots returns the root certificates. Do not change them.
func (o *Offline) Roots() []*x509.Certificate { return o.authority.roots }

// Close lets go of the keys and the store.
func (o *Offline) Close() error {
	return errors.Join(o.authority.close(), o.server.db.Close())
}

// Transport carries requests to the CA without a connection. crt, if not nil, is
// the certificate that the client presents: it is verified as the HTTPS
// listener does, and its key must be there, but signs nothing.
func (o *Offline) Transport(crt *tls.Certificate) http.RoundTripper {
	return &inProcess{offline: o, crt: crt}
}

// inProcess is the http.RoundTripper of Offline.Transport.
type inProcess struct {
	offline *Offline
	crt     *tls.Certificate
}

func (t *inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	state, err := t.connection()
	if err != nil {
		return nil, err
	}
	incoming := req.Clone(req.Context())
	incoming.RequestURI = req.URL.RequestURI()
	incoming.RemoteAddr = "offline"
	incoming.TLS = state
	if incoming.Body == nil {
		incoming.Body = http.NoBody
	}
	if incoming.Host == "" {
		incoming.Host = req.URL.Host
	}
	answer := &recorder{header: make(http.Header)}
	t.offline.authority.api.ServeHTTP(answer, incoming)
	incoming.Body.Close()
	return answer.response(req), nil
}

// connection is what TLS would know of the client.
func (t *inProcess) connection() (*tls.ConnectionState, error) {
	state := &tls.ConnectionState{
		Version: tls.VersionTLS13, HandshakeComplete: true, ServerName: t.offline.authority.cfg.ServerNames()[0],
	}
	if t.crt == nil {
		return state, nil
	}
	for _, der := range t.crt.Certificate {
		crt, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		state.PeerCertificates = append(state.PeerCertificates, crt)
	}
	if err := ownsKey(t.crt, state.PeerCertificates); err != nil {
		return nil, err
	}
	var err error
	state.VerifiedChains, err = state.PeerCertificates[0].Verify(x509.VerifyOptions{
		Roots:         t.offline.authority.tls.ClientCAs,
		Intermediates: pool(state.PeerCertificates[1:]),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return nil, fmt.Errorf("verifying the client certificate: %w", err)
	}
	return state, nil
}
