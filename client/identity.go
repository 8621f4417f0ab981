package client

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"stepca/api"
	"stepca/ca"
	"stepca/keyfile"
)

// An IdentityConfig says how an Identity is made and kept. The zero value is
// good.
type IdentityConfig struct {
	// Key is the private key; nil makes a new one on P-256.
	Key crypto.Signer

	// NotBefore and NotAfter are asked for when enrolling; unset leaves them to
	// the CA. Renewals keep the length that results.
	NotBefore, NotAfter ca.TimeOrDuration

	// RenewBefore is how long before its end the certificate is renewed; zero
	// means a third of its validity.
	RenewBefore time.Duration

	// Jitter bounds the random time by which renewals come even earlier, so that
	// a fleet does not renew at once; zero means a twentieth of the validity.
	Jitter time.Duration

	// Federation also trusts the roots of federated CAs.
	Federation bool

	// Log receives a record for each renewal and each failure; nil discards.
	Log *slog.Logger

	// Now returns the current time; nil means time.Now.
	Now func() time.Time
}

// An Identity is a private key with a certificate that is renewed before it
// expires, and the roots to trust, which are refreshed with it. Its methods are
// safe for concurrent use. Close it to stop the renewals.
type Identity struct {
	cfg  IdentityConfig
	base *Client // trusts the roots given at the start, and those only

	// current is replaced as a whole by each renewal and never changed in place.
	current atomic.Pointer[credential]

	renew  func(context.Context, *credential) (*credential, error)
	wake   chan struct{} // buffered; a value asks for a look at the clock
	cancel context.CancelFunc
	done   chan struct{} // closed when the renewing goroutine has ended
}

// A credential is what an Identity holds between two renewals.
type credential struct {
	crt      *tls.Certificate // Leaf is set
	roots    *x509.CertPool   // trusted in peers
	options  *api.TLSOptions  // the CA's hints; may be nil
	replaced chan struct{}    // closed when a newer one is current
}

// minValidity is the shortest validity that can be kept up by renewing.
const minValidity = time.Minute

// Enroll spends a one-time token on a certificate for its subject and names, and
// keeps it valid until Close. ctx bounds the enrolment only.
func (c *Client) Enroll(ctx context.Context, token string, cfg IdentityConfig) (*Identity, error) {
	claims, err := ParseToken(token)
	if err != nil {
		return nil, err
	}
	key := cfg.Key
	if key == nil {
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return nil, err
		}
	}
	csr, err := tokenCSR(key, claims)
	if err != nil {
		return nil, err
	}
	resp, err := c.Sign(ctx, &api.SignRequest{
		CSR:       api.CSRPEM{CertificateRequest: csr},
		Token:     token,
		NotBefore: cfg.NotBefore,
		NotAfter:  cfg.NotAfter,
	})
	if err != nil {
		return nil, err
	}
	crt, err := Certificate(resp, key)
	if err != nil {
		return nil, err
	}
	return c.identity(ctx, crt, resp.TLSOptions, cfg)
}

// Identity keeps a certificate valid that the caller already has. Of cfg, Key,
// NotBefore and NotAfter are not used. ctx bounds the first look at the CA's
// roots only.
func (c *Client) Identity(ctx context.Context, crt *tls.Certificate, cfg IdentityConfig) (*Identity, error) {
	chain, err := parseChain(crt)
	if err != nil {
		return nil, err
	}
	own := *crt
	own.Leaf = chain[0]
	return c.identity(ctx, &own, nil, cfg)
}

func (c *Client) identity(ctx context.Context, crt *tls.Certificate, options *api.TLSOptions, cfg IdentityConfig) (*Identity, error) {
	if c.roots == nil {
		return nil, errors.New("an identity needs a client that knows its root certificates")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	period := crt.Leaf.NotAfter.Sub(cfg.Now())
	if period < minValidity {
		return nil, errors.New("the certificate expires within a minute and cannot be kept valid")
	}
	if cfg.RenewBefore == 0 {
		cfg.RenewBefore = period / 3
	}
	if cfg.Jitter == 0 {
		cfg.Jitter = period / 20
	}
	trusted, err := c.trusted(ctx, cfg.Federation)
	if err != nil {
		return nil, err
	}
	id := &Identity{
		cfg:  cfg,
		base: c,
		wake: make(chan struct{}, 1),
		done: make(chan struct{}),
	}
	id.renew = id.ask
	id.current.Store(&credential{crt, pool(trusted), options, make(chan struct{})})
	background, cancel := context.WithCancel(context.Background())
	id.cancel = cancel
	go id.run(background)
	return id, nil
}

// trusted returns the roots that c was given and those that the CA announces.
func (c *Client) trusted(ctx context.Context, federation bool) ([]*x509.Certificate, error) {
	announced, err := c.Roots(ctx)
	if err == nil && federation {
		var federated []*x509.Certificate
		federated, err = c.Federation(ctx)
		announced = append(announced, federated...)
	}
	return append(c.TrustedRoots(), announced...), err
}

// Close stops the renewals and waits until none is under way. The certificate
// stays usable until it expires.
func (id *Identity) Close() error {
	id.cancel()
	<-id.done
	return nil
}

// Certificate returns the newest certificate. Do not change it.
func (id *Identity) Certificate() *tls.Certificate { return id.current.Load().crt }

// Roots returns the roots that the newest answer of the CA says to trust. Do not
// change it.
func (id *Identity) Roots() *x509.CertPool { return id.current.Load().roots }

// Certificate puts the answer to a sign, renew or rekey request together with its
// private key. The error says if they do not belong together.
func Certificate(resp *api.SignResponse, key crypto.PrivateKey) (*tls.Certificate, error) {
	chain := api.Certificates(resp.CertChain)
	if len(chain) == 0 {
		return nil, errNoCertificate
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("the private key cannot sign")
	}
	if !keyfile.SamePublicKey(signer.Public(), chain[0].PublicKey) {
		return nil, errors.New("the certificate authority answered with a certificate for another key")
	}
	crt := &tls.Certificate{PrivateKey: key, Leaf: chain[0]}
	for _, c := range chain {
		crt.Certificate = append(crt.Certificate, c.Raw)
	}
	return crt, nil
}

// parseChain parses the certificates of crt, of which there must be one.
func parseChain(crt *tls.Certificate) ([]*x509.Certificate, error) {
	if len(crt.Certificate) == 0 {
		return nil, errors.New("there is no certificate")
	}
	chain := make([]*x509.Certificate, len(crt.Certificate))
	for i, der := range crt.Certificate {
		var err error
		if chain[i], err = x509.ParseCertificate(der); err != nil {
			return nil, err
		}
	}
	return chain, nil
}
