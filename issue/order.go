package issue

import (
	"context"
	"crypto/x509"

	"stepca/ca"
	"stepca/store"
)

// An Order is the ACME order (RFC 8555 §7.4) that a certificate is issued for. It
// is completed in the transaction that records the certificate.
type Order struct {
	ID, AccountID string

	// Nonce is spent in the first transaction that changes the order, and then
	// set to nil; nil for none.
	Nonce *ca.OneTimeID

	// Begin changes the order's record or refuses, before a key outside this
	// process is asked to sign, in the transaction that says so: of several
	// servers that share a database one asks. It is not called for a key in this
	// process, whose signatures do not leave it before the record. It may run more
	// than once; nil does nothing.
	Begin func(rec *store.ACMEOrder) error

	// Complete changes the order's record or refuses, and then nothing is recorded
	// and the certificate does not exist. It may run more than once.
	Complete func(rec *store.ACMEOrder, leaf *x509.Certificate) error
}

// X509ForOrder is X509 for an ACME order.
func (i *Issuer) X509ForOrder(ctx context.Context, req *ca.Request, authorize Authorize, order *Order) (*ca.Certificate, error) {
	return i.x509(ctx, req, authorize, order)
}

// begin returns how the order, if there is one, changes before the signature.
func (o *Order) begin() *store.ACMEOrderUpdate {
	if o == nil || o.Begin == nil {
		return nil
	}
	return &store.ACMEOrderUpdate{ID: o.ID, Nonce: o.Nonce, Apply: o.Begin}
}

// spent says that a transaction with the update has succeeded.
func (o *Order) spent(up *store.ACMEOrderUpdate) {
	if up != nil {
		o.Nonce = nil
	}
}

// addTo puts the order, if there is one, into what is recorded.
func (o *Order) addTo(iss *store.Issuance, leaf *x509.Certificate) {
	if o == nil {
		return
	}
	iss.Certificate.OrderID, iss.Certificate.AccountID = o.ID, o.AccountID
	iss.Order = &store.ACMEOrderUpdate{
		ID: o.ID, Nonce: o.Nonce,
		Apply: func(rec *store.ACMEOrder) error { return o.Complete(rec, leaf) },
	}
}

// Foresee returns the validity that a grant would give to a request now, or the
// objection to it, so that an order is refused when it is made rather than when it
// is finalized. Nothing is promised: the pipeline's checks come all the same, on
// what the template makes of it.
func (i *Issuer) Foresee(req *ca.Request, grant *ca.Grant) (ca.Validity, error) {
	authority, err := i.signing(grant.Issuer)
	if err != nil {
		return ca.Validity{}, err
	}
	v := i.validity(req, grant, ca.Validity{}, authority.validity())
	return v, i.checkValidity(v, grant, authority.validity())
}

// CheckName returns an error of kind ca.ErrRejectedIdentifier if name constraints
// or policies forbid a certificate for a name, were it the only one.
func (i *Issuer) CheckName(name ca.Identifier, grant *ca.Grant) error {
	names := []ca.Identifier{name}
	if authority := i.Authority(grant.Issuer); authority != nil {
		if err := authority.constraints.check(names); err != nil {
			return err
		}
	}
	if p := i.cfg.ProvisionerPolicies[grant.Provisioner.ID]; p != nil {
		if err := p.CheckNames(names); err != nil {
			return err
		}
	}
	if i.cfg.Policy != nil {
		return i.cfg.Policy.CheckNames(names)
	}
	return nil
}
