package acmeserver

import (
	"context"
	"errors"
	"net/http"
	"time"

	"stepca/acme"
	"stepca/ca"
)

// finalize issues the certificate of a ready order (RFC 8555 §7.4). The order
// becomes valid in the transaction that records the certificate, so that two
// requests at once get one certificate. Compatible: the answer for an order that is
// valid or processing is the order, where the RFC has orderNotReady.
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
	o, err := x.loadWholeOrder(x.args[0])
	if err != nil {
		return err
	}
	if o.Status != acme.StatusValid && !o.Processing(s.now()) {
		if err := o.CheckReady(s.now()); err != nil {
			return err
		}
		i, err := x.newIssuance(o, csr)
		if err != nil {
			return err
		}
		if o, err = x.issueSoon(o, i); err != nil {
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
func (x *exchange) issueSoon(o *acme.Order, i *issuance) (*acme.Order, error) {
	mine := false
	var issueErr error
	w := x.s.jobs.start(o.ID, finalizing, func(context.Context, <-chan struct{}) {
		mine = true
		issueErr = i.run()
	})
	if w == nil {
		return nil, &ca.Error{Kind: ca.ErrUnavailable, Detail: "too many orders are being finalized; try again later"}
	}
	timer := time.NewTimer(finalizeWait)
	defer timer.Stop()
	select {
	case <-w.done:
		if mine {
			x.nonce = i.order.Nonce
		}
		if issueErr != nil && !errors.Is(issueErr, errFinalized) {
			return nil, issueErr
		}
	case <-timer.C:
		x.nonce = nil // is spent with the record
	case <-x.r.Context().Done():
		x.nonce = nil
		return nil, x.r.Context().Err()
	}
	return x.s.findOrder(context.WithoutCancel(x.r.Context()), o.ID)
}
