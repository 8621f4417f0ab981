package acmeserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"stepca/acme"
	"stepca/ca"
	"stepca/policy"
)

// newOrderRequest is the payload of newOrder (RFC 8555 §7.4).
type newOrderRequest struct {
	Identifiers []struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	} `json:"identifiers"`
	NotBefore time.Time `json:"notBefore"`
	NotAfter  time.Time `json:"notAfter"`
	Profile   string    `json:"profile"`
	Replaces  string    `json:"replaces"` // RFC 9773 §5
}

// newOrder creates an order, after it has found that nothing speaks against a
// certificate for these names but that their control is not proved yet.
func (s *Server) newOrder(x *exchange) error {
	var req newOrderRequest
	if err := x.decode(&req); err != nil {
		return err
	}
	if err := x.limitOrders(); err != nil {
		return err
	}
	profile := cmp.Or(req.Profile, x.prov.DefaultProfile)
	grant, err := x.orderGrant(profile)
	if err != nil {
		return err
	}
	ids, err := parseIdentifiers(&req)
	if err != nil {
		return err
	}
	s.newOrders.charge(x.account.ID, s.now(), len(ids)-1) // each name is as much to store as an order of one
	if err := x.judge(ids, grant); err != nil {
		return err
	}
	o, err := x.makeOrder(&req, ids, profile, grant)
	if err != nil {
		return err
	}
	replaced, err := x.replaced(o)
	if err != nil {
		return err
	}
	if err := x.insertOrder(o, replaced); err != nil {
		return err
	}
	x.writeOrder(http.StatusCreated, o)
	return nil
}

// limitOrders counts a new order, or refuses it.
func (x *exchange) limitOrders() error {
	if wait := x.s.newOrders.take(x.account.ID, x.s.now()); wait > 0 {
		return limited(wait, "new orders of this account")
	}
	return nil
}

// parseIdentifiers returns the names of an order, canonical and each once.
func parseIdentifiers(req *newOrderRequest) ([]acme.Identifier, error) {
	switch n := len(req.Identifiers); {
	case n == 0:
		return nil, malformed("the order has no identifiers")
	case n > maxIdentifiers:
		return nil, malformed("the order has %d identifiers, more than the %d allowed", n, maxIdentifiers)
	}
	ids := make([]acme.Identifier, len(req.Identifiers))
	var refused refusals
	permanent := 0
	for i, id := range req.Identifiers {
		var err error
		if ids[i], err = acme.ParseIdentifier(id.Type, id.Value); err != nil {
			if err := refused.add(acme.Identifier{Type: ca.IdentifierType(clip(id.Type)), Value: clip(id.Value)}, err); err != nil {
				return nil, err
			}
		}
		if ids[i].Type == ca.PermanentIdentifier {
			permanent++
		}
	}
	if err := refused.err(); err != nil {
		return nil, err
	}
	ids = acme.Dedupe(ids)
	if permanent > 0 && len(ids) > 1 {
		return nil, malformed("a permanent identifier has to be the only identifier of its order")
	}
	return ids, nil
}

// judge refuses names that this account could not get a certificate for, however
// well it proved their control.
func (x *exchange) judge(ids []acme.Identifier, grant *ca.Grant) error {
	accountPolicy, err := x.s.accountPolicy(x.r.Context(), x.account)
	if err != nil {
		return err
	}
	var refused refusals
	for _, id := range ids {
		err := accountPolicy.CheckNames([]ca.Identifier{id})
		if err == nil {
			err = x.s.cfg.Issuer.CheckName(id, grant)
		}
		if err == nil && id.Type == ca.PermanentIdentifier && !x.prov.AllowsDevice(id.Value) {
			err = ca.Errorf(ca.ErrRejectedIdentifier, "the provisioner does not list this device")
		}
		if err == nil && len(x.challengesFor(id)) == 0 {
			err = ca.Errorf(ca.ErrRejectedIdentifier, "the provisioner offers no challenge that could prove it")
		}
		if err != nil {
			if err := refused.add(id, err); err != nil {
				return err
			}
		}
	}
	return refused.err()
}

// accountPolicy returns the policy of the external account key that the account
// was created with; nil for none.
func (s *Server) accountPolicy(ctx context.Context, a *acme.Account) (*policy.X509, error) {
	if a.ExternalKeyID == "" {
		return nil, nil
	}
	key, err := s.store.ExternalKey(ctx, a.ExternalKeyID)
	if errors.Is(err, ca.ErrNotFound) {
		return nil, nil // deleted, and its policy with it
	}
	if err != nil {
		return nil, err
	}
	p, err := policy.Parse(key.Data)
	if err != nil {
		return nil, fmt.Errorf("policy of external account key %s: %w", key.ID, err)
	}
	return p.X509, nil
}

// makeOrder returns the new order with its authorizations.
func (x *exchange) makeOrder(req *newOrderRequest, ids []acme.Identifier, profile string, grant *ca.Grant) (*acme.Order, error) {
	validity, err := x.validity(req, grant)
	if err != nil {
		return nil, err
	}
	now := x.s.now().UTC().Truncate(time.Second)
	o := &acme.Order{
		ID: acme.NewID(), AccountID: x.account.ID, CreatedAt: now, Provisioner: x.ref.ID,
		Status: acme.StatusPending, Expires: now.Add(orderLifetime), Identifiers: ids,
		NotBefore: validity.NotBefore, NotAfter: validity.NotAfter, Profile: profile, Replaces: req.Replaces,
	}
	proved, err := x.takeOver(o)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		a := proved[id]
		if a == nil {
			a = x.makeAuthorization(o.ID, id, o.Expires)
		}
		o.Authorizations = append(o.Authorizations, a)
	}
	o.Advance(now)
	return o, nil
}

// validity returns what the certificate of a new order will have, or refuses what
// the order asks for. A certificate that begins later than others may last would be
// had for a time when the proof is long stale.
func (x *exchange) validity(req *newOrderRequest, grant *ca.Grant) (ca.Validity, error) {
	v, err := x.s.cfg.Issuer.Foresee(&ca.Request{
		NotBefore: ca.TimeOrDuration{Time: req.NotBefore}, NotAfter: ca.TimeOrDuration{Time: req.NotAfter},
	}, grant)
	switch {
	case errors.Is(err, ca.ErrMalformed), errors.Is(err, ca.ErrForbidden):
		return v, malformed("notBefore or notAfter: %w", err)
	case err != nil:
		return v, err
	case v.NotBefore.Sub(x.s.now()) > grant.Limits.Max:
		return v, malformed("notBefore: it is more than %v from now", grant.Limits.Max)
	case !req.NotAfter.IsZero() && v.NotAfter.Before(req.NotAfter.Truncate(time.Second)):
		// What is not asked for must not be issued (RFC 8555 §7.4), so it is not shortened.
		return v, malformed("notAfter: the CA's own certificate expires on %s", v.NotAfter.Format(time.RFC3339))
	}
	return v, nil
}
