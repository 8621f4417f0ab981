package acmeserver

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"time"

	"stepca/acme"
	"stepca/ca"
	"stepca/issue"
	"stepca/store"
)

// finalize issues the certificate of a ready order (RFC 8555 §7.4). The order
// becomes valid in the transaction that records the certificate, so that two
// requests at once get one certificate.
func (s *Server) finalize(x *exchange) error {
	var req struct {
		CSR string `json:"csr"`
	}
	if err := x.decode(&req); err != nil {
		return err
	}
	csr, err := parseCSR(req.CSR)
	if err != nil {
		return err
	}
	o, err := x.loadOrder(x.args[0])
	if err != nil {
		return err
	}
	if o.ID != x.args[0] {
		return notFound("order")
	}
	if o.Status != acme.StatusValid {
		if err := o.CheckReady(s.now()); err != nil {
			return err
		}
		if err := checkCSRKey(csr, x.account.Key.Key, o); err != nil {
			return err
		}
		names, err := matchCSR(csr, o)
		if err != nil {
			return err
		}
		if o, err = x.issueSoon(o, csr, names); err != nil {
			return err
		}
	}
	if err := x.settleNonce(); err != nil {
		return err
	}
	x.writeOrder(http.StatusOK, o)
	return nil
}

// issueSoon has the certificate issued and waits for it, not for ever. It returns
// the order as it is then.
func (x *exchange) issueSoon(o *acme.Order, csr *x509.CertificateRequest, names []ca.Identifier) (*acme.Order, error) {
	var issueErr error
	nonce, mine := x.nonce, false
	run := x.issuance(o, csr, names, nonce)
	w := x.s.jobs.start(o.ID, finalizing, func(context.Context, <-chan struct{}) {
		mine = true
		issueErr = run()
	})
	if w == nil {
		return nil, &ca.Error{Kind: ca.ErrUnavailable, Detail: "too many orders are being finalized; try again later"}
	}
	timer := time.NewTimer(finalizeWait)
	defer timer.Stop()
	select {
	case <-w.done:
		if mine && issueErr == nil {
			x.nonce = nil // spent with the record
		}
		if issueErr != nil && !errors.Is(issueErr, errFinalized) {
			return nil, issueErr
		}
	case <-timer.C:
		x.nonce = nil // is spent with the record
	case <-x.r.Context().Done():
		return nil, x.r.Context().Err()
	}
	return x.s.findOrder(context.WithoutCancel(x.r.Context()), o.ID)
}

// errFinalized means that another request has finalized the order.
var errFinalized = errors.New("the order was finalized meanwhile")

// issuance returns the work of issuing the certificate of an order. It goes on if
// the client goes away: what was begun is recorded.
func (x *exchange) issuance(o *acme.Order, csr *x509.CertificateRequest, names []ca.Identifier, nonce *ca.OneTimeID) func() error {
	s, id := x.s, x.requestID()
	grant := x.prov.OrderGrant()
	grant.Subject.CommonName = csr.Subject.CommonName
	grant.SANs = names
	if names[0].Type == ca.PermanentIdentifier {
		grant.Template.Default = ca.TemplateAttested
	}
	req := &ca.Request{
		Operation: ca.SignX509, ID: id, CSR: csr,
		NotBefore: ca.TimeOrDuration{Time: o.NotBefore}, NotAfter: ca.TimeOrDuration{Time: o.NotAfter},
	}
	ctx := context.WithoutCancel(x.r.Context())
	return func() (err error) {
		defer recovered(&err)
		_, err = s.cfg.Issuer.X509ForOrder(ctx, req, func(context.Context, *ca.Request) (*ca.Grant, error) {
			return grant, nil
		}, &issue.Order{ID: o.ID, AccountID: o.AccountID, Nonce: nonce, Complete: s.complete})
		return err
	}
}

// complete makes the order valid with its certificate. From then on the order is
// kept as long as the certificate is good, to be downloaded.
func (s *Server) complete(rec *store.ACMEOrder, leaf *x509.Certificate) error {
	o, err := s.decodeOrder(rec)
	if err != nil {
		return err
	}
	if o.Status == acme.StatusValid {
		return errFinalized
	}
	if err := o.Complete(acme.NewPartID(o.ID), leaf.SerialNumber.String(), s.now()); err != nil {
		return err
	}
	return s.encodeOrder(o, rec, leaf.NotAfter)
}
