package acmeserver

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"slices"
	"time"

	"stepca/acme"
	"stepca/ca"
	"stepca/provisioner"
	"stepca/store"
)

// renewalInfo tells when to renew a certificate (RFC 9773 §4.1).
func (s *Server) renewalInfo(x *exchange) error {
	crt, rec, err := s.certificateByID(x.r.Context(), x.args[0])
	if err != nil {
		return err
	}
	revoked, err := s.cfg.Revocation.Revoked(x.r.Context(), crt.SerialNumber)
	if err != nil {
		return err
	}
	body, again := renewalBody{SuggestedWindow: acme.SuggestedWindow(crt)}, renewalPoll
	if early := s.earlyRenewal(rec, crt); early != nil {
		body.pullForward(early, s.now())
	}
	if revoked != nil {
		body.SuggestedWindow, again = acme.PastWindow(s.now()), renewalPollNow
	}
	x.retryAfter(again)
	x.Header().Set("Link", x.indexLink())
	x.writeJSON(http.StatusOK, body)
	return nil
}

// renewalBody is a RenewalInfo object (RFC 9773 §4.2).
type renewalBody struct {
	SuggestedWindow acme.Window `json:"suggestedWindow"`
	ExplanationURL  string      `json:"explanationURL,omitempty"`
}

// pullForward replaces a window by the operator's, unless that would be later.
func (b *renewalBody) pullForward(early *provisioner.RenewalWindow, now time.Time) {
	window := acme.Window{Start: early.Start, End: early.End}
	if early.End.IsZero() {
		window = acme.PastWindow(now)
	}
	if window.End.Before(b.SuggestedWindow.End) {
		b.SuggestedWindow, b.ExplanationURL = window, early.ExplanationURL
	}
}

// earlyRenewal returns the window that an operator set for a certificate, or nil.
func (s *Server) earlyRenewal(rec *store.Certificate, crt *x509.Certificate) *provisioner.RenewalWindow {
	p, ok := s.cfg.Provisioners.ByID(rec.Provisioner.ID)
	if !ok {
		return nil
	}
	issuer, ok := p.(*provisioner.ACME)
	if !ok {
		return nil
	}
	return issuer.RenewalWindow(crt)
}

// certificateByID returns the certificate that a CertID names, and its record.
func (s *Server) certificateByID(ctx context.Context, certID string) (*x509.Certificate, *store.Certificate, error) {
	keyID, serial, err := acme.ParseCertID(certID)
	if err != nil {
		return nil, nil, err
	}
	rec, err := s.store.Certificate(ctx, serial)
	if errors.Is(err, ca.ErrNotFound) {
		return nil, nil, notFound("certificate")
	}
	if err != nil {
		return nil, nil, err
	}
	crt, err := x509.ParseCertificate(rec.DER)
	if err != nil {
		return nil, nil, err
	}
	if !bytes.Equal(crt.AuthorityKeyId, keyID) {
		return nil, nil, notFound("certificate")
	}
	return crt, rec, nil
}

// replaced checks that a new order may replace the certificate it names (RFC 9773
// §5), and returns the update that notes it in the order of that certificate; nil if
// there is nothing to note, as for a certificate that is not on record: it was issued
// before the database was, or is too old. Clients would never renew it otherwise.
func (x *exchange) replaced(o *acme.Order) (*store.ACMEOrderUpdate, error) {
	if o.Replaces == "" {
		return nil, nil
	}
	ctx := x.r.Context()
	crt, rec, err := x.s.certificateByID(ctx, o.Replaces)
	if errors.Is(err, ca.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if rec.AccountID != x.account.ID {
		return nil, forbidden("the certificate to be replaced was issued to another account")
	}
	names := ca.Names(crt.DNSNames, crt.IPAddresses, nil, nil)
	if !slices.ContainsFunc(o.Identifiers, func(id acme.Identifier) bool { return slices.Contains(names, id) }) {
		return nil, malformed("the order has no identifier in common with the certificate to be replaced")
	}
	predecessor, err := x.s.findOrder(ctx, rec.OrderID)
	if errors.Is(err, ca.ErrNotFound) {
		return nil, nil // too old to be on record
	}
	if err != nil {
		return nil, err
	}
	before := predecessor.ReplacedBy
	taken, err := x.s.isReplaced(ctx, before)
	if err != nil {
		return nil, err
	}
	if taken {
		return nil, alreadyReplaced()
	}
	return &store.ACMEOrderUpdate{ID: predecessor.ID, Apply: x.s.changing(func(p *acme.Order) error {
		if p.ReplacedBy != before { // of two orders at once
			return alreadyReplaced()
		}
		p.ReplacedBy = o.ID
		return nil
	})}, nil
}

func alreadyReplaced() error {
	return acme.NewProblem(acme.ProblemAlreadyReplaced, "another order replaces it")
}

// isReplaced reports whether the order that replaces a certificate (its ID, "" for
// none) still counts.
func (s *Server) isReplaced(ctx context.Context, orderID string) (bool, error) {
	if orderID == "" {
		return false, nil
	}
	o, err := s.findOrder(ctx, orderID)
	if errors.Is(err, ca.ErrNotFound) {
		return false, nil
	}
	return err == nil && o.Status != acme.StatusInvalid, err
}
