package acmeserver

import (
	"context"
	"crypto/x509"
	"errors"

	"stepca/acme"
	"stepca/ca"
	"stepca/issue"
	"stepca/store"
)

// errFinalized means that another request has finalized the order, or is about to.
var errFinalized = errors.New("the order is finalized by another request")

// An issuance is the work of issuing the certificate of an order.
type issuance struct {
	s     *Server
	ctx   context.Context // goes on if the client goes away: what was begun is recorded
	req   *ca.Request
	grant *ca.Grant
	order *issue.Order
	claim string // on the order, if the key is outside this process; else ""
}

// newIssuance returns the work for a ready order, if the request fits the order and
// nothing has come between them. Looking for that takes as long as ctx allows.
func (x *exchange) newIssuance(ctx context.Context, o *acme.Order, csr *x509.CertificateRequest) (*issuance, error) {
	if err := checkCSRKey(csr, x.account.Key.Key, o); err != nil {
		return nil, err
	}
	names, err := matchCSR(csr, o)
	if err != nil {
		return nil, err
	}
	grant, err := x.orderGrant(o.Profile)
	if err != nil {
		return nil, err
	}
	if err := x.recheckCAA(ctx, o); err != nil {
		return nil, err
	}
	grant.Subject.CommonName = csr.Subject.CommonName
	grant.SANs = names
	if names[0].Type == ca.PermanentIdentifier {
		grant.Template.Default = ca.TemplateAttested
	}
	i := &issuance{s: x.s, ctx: context.WithoutCancel(x.r.Context()), grant: grant, req: &ca.Request{
		Operation: ca.SignX509, ID: x.requestID(), CSR: csr,
		NotBefore: ca.TimeOrDuration{Time: o.NotBefore}, NotAfter: ca.TimeOrDuration{Time: o.NotAfter},
	}}
	i.order = &issue.Order{ID: o.ID, AccountID: o.AccountID, Nonce: x.nonce, Begin: i.begin, Complete: i.complete}
	return i, nil
}

// run issues the certificate, and spends the nonce of the request if no transaction
// did. It is no error if another request has finalized the order: the order shows it.
func (i *issuance) run() error {
	err := i.issue()
	if errors.Is(err, errFinalized) {
		err = nil
	}
	return i.s.endNonce(i.ctx, i.order.Nonce, err)
}

// issue issues the certificate. A claim on an order that got none is given up, so
// that the client can ask again.
func (i *issuance) issue() (err error) {
	defer recovered(&err)
	ctx, cancel := context.WithTimeout(i.ctx, claimTime) // a claim begins later, and so outlasts it
	defer cancel()
	_, err = i.s.cfg.Issuer.X509ForOrder(ctx, i.req, func(context.Context, *ca.Request) (*ca.Grant, error) {
		return i.grant, nil
	}, i.order)
	if err == nil || i.claim == "" || errors.Is(err, errFinalized) {
		return err
	}
	_, release := i.s.updateOrder(i.ctx, i.order.ID, nil, func(o *acme.Order) error {
		o.Release(i.claim)
		return nil
	})
	if release != nil {
		i.s.log.Error("the claim on an ACME order was not given up: it lapses", "order", i.order.ID, "after", claimTime, "error", release)
	}
	return err
}

// begin claims the order before a key outside this process signs.
func (i *issuance) begin(rec *store.ACMEOrder) error {
	return i.s.changing(func(o *acme.Order) error {
		now := i.s.now()
		if o.Status == acme.StatusValid || o.Processing(now) {
			return errFinalized
		}
		i.claim = acme.NewID()
		return o.Begin(i.claim, now.Add(claimTime), now)
	})(rec)
}

// complete makes the order valid with its certificate. From then on the order is
// kept as long as the certificate is good, to be downloaded.
func (i *issuance) complete(rec *store.ACMEOrder, leaf *x509.Certificate) error {
	rec.ExpiresAt = leaf.NotAfter
	return i.s.changing(func(o *acme.Order) error {
		if o.Status == acme.StatusValid {
			return errFinalized
		}
		return o.Complete(i.claim, acme.NewPartID(o.ID), leaf.SerialNumber.String(), i.s.now())
	})(rec)
}
