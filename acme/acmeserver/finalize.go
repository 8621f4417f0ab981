package acmeserver

import (
	"context"
	"crypto/x509"
	"net/http"

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
		if o, err = x.issueSoon(o, csr); err != nil {
			return err
		}
	}
	x.writeOrder(http.StatusOK, o)
	return nil
}

// issueSoon has the certificate issued, unless another request is about to, and
// waits for it, not for ever. It returns the order as it is then.
func (x *exchange) issueSoon(o *acme.Order, csr *x509.CertificateRequest) (*acme.Order, error) {
	if err := o.CheckReady(x.s.now()); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(x.r.Context(), finalizeWait)
	defer cancel()
	i, err := x.newIssuance(ctx, o, csr)
	if err != nil {
		return nil, err
	}
	var failed error // written by the job, if it is this request's
	w, began := x.s.jobs.start(o.ID, finalizing, func(context.Context, <-chan struct{}) { failed = i.run() })
	if w == nil {
		return nil, busy("orders are being finalized")
	}
	if began {
		x.nonce = nil // the issuance sees to it, whoever waits
	}
	select {
	case <-w.done:
		if failed != nil {
			return nil, failed
		}
	case <-ctx.Done():
		if gone := x.r.Context().Err(); gone != nil {
			return nil, gone
		}
	}
	return x.s.findOrder(context.WithoutCancel(x.r.Context()), o.ID)
}
