package acmeserver

import (
	"context"
	"net/http"
	"time"

	"stepca/acme"
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

// issueSoon has the certificate issued, unless another request is about to, and
// waits for it, not for ever. It returns the order as it is then.
func (x *exchange) issueSoon(o *acme.Order, i *issuance) (*acme.Order, error) {
	var failed error // written by the job, if it is this request's
	w, began := x.s.jobs.start(o.ID, finalizing, func(context.Context, <-chan struct{}) { failed = i.run() })
	if w == nil {
		return nil, busy("orders are being finalized")
	}
	if began {
		x.nonce = nil // the issuance sees to it, whoever waits
	}
	timer := time.NewTimer(finalizeWait)
	defer timer.Stop()
	select {
	case <-w.done:
		if failed != nil {
			return nil, failed
		}
	case <-timer.C:
	case <-x.r.Context().Done():
		return nil, x.r.Context().Err()
	}
	return x.s.findOrder(context.WithoutCancel(x.r.Context()), o.ID)
}
