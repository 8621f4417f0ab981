package issue

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"stepca/ca"
	"stepca/store"
)

// An Authorize step turns the evidence in a request into a grant.
type Authorize func(ctx context.Context, req *ca.Request) (*ca.Grant, error)

// X509 answers req with a certificate, or with the first step's refusal.
func (i *Issuer) X509(ctx context.Context, req *ca.Request, authorize Authorize) (_ *ca.Certificate, err error) {
	ev, serial := Event{Operation: req.Operation}, ""
	start := time.Now()
	defer func() {
		ev.Err, ev.Total = err, time.Since(start)
		i.finish(ev, req.ID, serial)
	}()

	grant, err := authorize(ctx, req) // who asks, and what they may have
	if err != nil {
		return nil, fmt.Errorf("authorizing: %w", err)
	}
	ev.Provisioner = grant.Provisioner
	if err := checkRequest(req, grant); err != nil { // what they asked for
		return nil, err
	}
	authority, err := i.signing(grant.Issuer)
	if err != nil {
		return nil, err
	}
	contents, err := i.render(req, grant, authority)
	if err != nil {
		return nil, fmt.Errorf("rendering: %w", err)
	}
	ready, err := i.check(contents, grant, authority) // reads, never changes
	if err != nil {
		return nil, fmt.Errorf("checking: %w", err)
	}
	leaf, err := i.sign(ctx, ready, &ev.Sign)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	serial = leaf.SerialNumber.String()
	if err := i.record(ctx, req, leaf, grant, authority, &ev.Store); err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	return &ca.Certificate{
		Leaf:        leaf,
		Chain:       append([]*x509.Certificate{leaf}, authority.Chain...),
		Issuer:      authority.Name,
		Provisioner: grant.Provisioner,
	}, nil
}

// prepared contents have passed every check. Only check makes one and sign takes
// nothing else, so unchecked contents cannot reach the key.
type prepared struct {
	tbs       *x509.Certificate // a private copy: nobody can change it any more
	pub       crypto.PublicKey
	authority *Authority
	spent     atomic.Bool // set by sign; one signature each
}

var errSpent = errors.New("prepared contents were already signed")

// sign is the one use of the issuer's key.
func (i *Issuer) sign(ctx context.Context, p *prepared, took *time.Duration) (*x509.Certificate, error) {
	if p.spent.Swap(true) {
		return nil, errSpent
	}
	start := time.Now()
	defer func() { *took = time.Since(start) }()
	der, err := x509.CreateCertificate(rand.Reader, p.tbs, p.authority.Certificate(), p.pub, boundSigner{p.authority.Key, ctx})
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// record makes the issuance durable: after it, and only then, the certificate
// may leave.
func (i *Issuer) record(ctx context.Context, req *ca.Request, leaf *x509.Certificate, grant *ca.Grant, authority *Authority, took *time.Duration) error {
	start := time.Now()
	defer func() { *took = time.Since(start) }()
	rec := &store.Certificate{
		Serial:      leaf.SerialNumber.String(),
		DER:         leaf.Raw,
		Issuer:      authority.Name,
		Provisioner: grant.Provisioner,
		RA:          grant.RA,
		Operation:   grant.Operation,
		RequestID:   req.ID,
		NotBefore:   leaf.NotBefore,
		NotAfter:    leaf.NotAfter,
		IssuedAt:    i.cfg.Now().UTC(),
		Names:       leafNames(leaf),
	}
	if grant.OneTime != nil {
		rec.TokenID = grant.OneTime.ID
	}
	if grant.Renew != nil {
		rec.RenewedFrom = grant.Renew.SerialNumber.String()
	}
	err := i.cfg.Store.Record(ctx, &store.Issuance{Certificate: rec, OneTime: grant.OneTime})
	switch {
	case errors.Is(err, store.ErrTokenUsed):
		return ca.Hidden(ca.ErrUnauthorized, "token already used: %w", err)
	case errors.Is(err, store.ErrSerialExists):
		return ca.Errorf(ca.ErrForbidden, "a certificate with serial number %s was already issued", rec.Serial)
	}
	return err
}

// leafNames returns the subject's common name, where no alternative name repeats
// it, and the alternative names.
func leafNames(leaf *x509.Certificate) []ca.Identifier {
	names := ca.Names(leaf.DNSNames, leaf.IPAddresses, leaf.EmailAddresses, leaf.URIs)
	cn := leaf.Subject.CommonName
	if cn == "" {
		return names
	}
	for _, id := range names {
		if id.Value == cn {
			return names
		}
	}
	return append([]ca.Identifier{{Type: ca.CommonName, Value: cn}}, names...)
}
