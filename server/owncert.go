package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log/slog"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"stepca/ca"
	"stepca/issue"
)

// The server's own certificate lives a day and is replaced well before its end.
const (
	ownLifetime   = 24 * time.Hour
	ownRenewAfter = ownLifetime * 2 / 3  // less a jitter
	ownJitter     = ownLifetime / 20     // so that the servers of a cluster take turns
	ownRetry      = ownLifetime / 20 / 2 // after a failed renewal, plus as much again at random
	ownMinimum    = time.Minute          // below this a handshake waits for a new one
)

// An ownCertificate is the certificate with which the server presents itself:
// issued by its own CA, held in memory only, with a new key each time.
type ownCertificate struct {
	issuer     *issue.Issuer
	commonName string
	names      []string
	now        func() time.Time
	log        *slog.Logger

	current atomic.Pointer[tls.Certificate]
	mu      sync.Mutex // held while a new one is made
}

// renew makes a new certificate and puts it in place.
func (o *ownCertificate) renew(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c := o.current.Load(); c != nil && c.Leaf.NotAfter.Sub(o.now()) > ownLifetime-ownMinimum {
		return nil // somebody else just made one
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return err
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return err
	}
	crt, err := o.issuer.X509(ctx, &ca.Request{Operation: ca.ServerX509, CSR: csr}, o.authorize)
	if err != nil {
		return err
	}
	chain := make([][]byte, len(crt.Chain))
	for i, c := range crt.Chain {
		chain[i] = c.Raw
	}
	o.current.Store(&tls.Certificate{Certificate: chain, PrivateKey: key, Leaf: crt.Leaf})
	return nil
}

// authorize grants the CA its own certificate.
func (o *ownCertificate) authorize(context.Context, *ca.Request) (*ca.Grant, error) {
	return &ca.Grant{
		Operation: ca.ServerX509,
		Limits:    ca.Limits{Default: ownLifetime, Max: ownLifetime},
		Subject:   pkix.Name{CommonName: o.commonName},
		SANs:      ca.ParseSANs(o.names),
		Template:  ca.Template{Default: ca.TemplateLeaf},
		OwnName:   true,
	}, nil
}

// get is tls.Config.GetCertificate. A machine that slept past the renewal gets a
// new certificate before the handshake goes on.
func (o *ownCertificate) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	c := o.current.Load()
	if o.now().After(c.Leaf.NotAfter.Add(-ownMinimum)) {
		if err := o.renew(hello.Context()); err != nil {
			o.log.Error("renewing the server's own certificate", "error", err)
		}
		c = o.current.Load()
	}
	return c, nil
}

// run renews in time until ctx ends.
func (o *ownCertificate) run(ctx context.Context) {
	next := o.nextRenewal()
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(next):
		}
		next = o.nextRenewal()
		if err := o.renew(ctx); err != nil {
			next = ownRetry + mathrand.N(ownRetry)
			o.log.Error("renewing the server's own certificate; will try again", "error", err, "in", next)
		}
	}
}

// nextRenewal counts from now. A certificate cut short by the issuer's end is
// renewed at two thirds of what it has.
func (o *ownCertificate) nextRenewal() time.Duration {
	leaf := o.current.Load().Leaf
	life := leaf.NotAfter.Sub(leaf.NotBefore)
	if life >= ownLifetime {
		return ownRenewAfter - mathrand.N(ownJitter)
	}
	return max(life*2/3-mathrand.N(life/20+1), ownMinimum)
}
