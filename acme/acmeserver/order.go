package acmeserver

import (
	"errors"
	"net/http"
	"time"

	"stepca/acme"
	"stepca/ca"
)

// orderBody is an order as clients see it (RFC 8555 §7.1.3). Compatible: id is the
// reference's addition, and notBefore and notAfter are always there.
type orderBody struct {
	ID             string            `json:"id"`
	Status         acme.Status       `json:"status"`
	Expires        time.Time         `json:"expires"`
	Identifiers    []acme.Identifier `json:"identifiers"`
	Profile        string            `json:"profile,omitempty"`
	Replaces       string            `json:"replaces,omitempty"`
	NotBefore      time.Time         `json:"notBefore"`
	NotAfter       time.Time         `json:"notAfter"`
	Error          *acme.Problem     `json:"error,omitempty"`
	Authorizations []string          `json:"authorizations"`
	Finalize       string            `json:"finalize"`
	Certificate    string            `json:"certificate,omitempty"`
}

// writeOrder answers with an order.
func (x *exchange) writeOrder(status int, o *acme.Order) {
	location := x.url(pathOrder, o.ID)
	body := orderBody{
		ID: o.ID, Status: o.Status, Expires: o.Expires, Identifiers: o.Identifiers, Profile: o.Profile, Replaces: o.Replaces,
		NotBefore: o.NotBefore, NotAfter: o.NotAfter, Error: o.Error, Finalize: location + "/finalize",
	}
	for _, a := range o.Authorizations {
		body.Authorizations = append(body.Authorizations, x.url(pathAuthz, a.ID))
	}
	if o.CertificateID != "" {
		body.Certificate = x.url(pathCertificate, o.CertificateID)
	}
	if o.Processing(x.s.now()) || (o.Status == acme.StatusReady && x.s.jobs.has(o.ID)) {
		body.Status = acme.StatusProcessing
		x.retryAfter(pollAfter)
	}
	x.Header().Set("Location", location)
	x.writeJSON(status, body)
}

// loadOrder returns the order that an ID, of what, belongs to, its status up to date,
// if it is the account's. Validations that nobody works on any more are begun again.
func (x *exchange) loadOrder(id, what string) (*acme.Order, error) {
	o, err := x.s.findOrder(x.r.Context(), id)
	if errors.Is(err, ca.ErrNotFound) {
		return nil, notFound(what)
	}
	if err != nil {
		return nil, err
	}
	if o.AccountID != x.account.ID {
		return nil, forbidden("this belongs to another account")
	}
	if o.Provisioner != x.ref.ID {
		return nil, forbidden("this belongs to another provisioner")
	}
	x.resume(o)
	return o, nil
}

// loadWholeOrder is loadOrder for an order's own ID, not that of one of its parts.
func (x *exchange) loadWholeOrder(id string) (*acme.Order, error) {
	o, err := x.loadOrder(id, "order")
	if err != nil {
		return nil, err
	}
	if o.ID != id || o.Standalone {
		return nil, notFound("order")
	}
	return o, nil
}

// order answers with an order (RFC 8555 §7.4).
func (s *Server) order(x *exchange) error {
	if err := x.postAsGet(); err != nil {
		return err
	}
	o, err := x.loadWholeOrder(x.args[0])
	if err != nil {
		return err
	}
	x.writeOrder(http.StatusOK, o)
	return nil
}
