package acmeserver

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"stepca/acme"
	"stepca/ca"
)

// newAuthorization creates an authorization without an order (RFC 8555 §7.4.1), or
// answers with the one that the account has for the name already. Later orders take
// over what it proved: see takeOver.
func (s *Server) newAuthorization(x *exchange) error {
	id, err := x.authorizationRequest()
	if err != nil {
		return err
	}
	if err := x.limitOrders(); err != nil {
		return err
	}
	grant, err := x.orderGrant(x.prov.DefaultProfile)
	if err != nil {
		return err
	}
	if err := x.judge([]acme.Identifier{id}, grant); err != nil {
		return err
	}
	found, err := x.standalone([]acme.Identifier{id})
	if err != nil {
		return err
	}
	a := found[id]
	if a == nil || !a.Lasts(s.now()) || !x.stillOffers(a) {
		if a, err = x.insertAuthorization(id); err != nil {
			return err
		}
	}
	x.writeAuthorization(http.StatusCreated, a) // in both cases: clients want 201
	return nil
}

// authorizationRequest returns the name that is to be authorized.
func (x *exchange) authorizationRequest() (acme.Identifier, error) {
	var req struct {
		Identifier *struct {
			Type  string `json:"type"`
			Value string `json:"value"`
		} `json:"identifier"`
	}
	if err := x.decode(&req); err != nil {
		return acme.Identifier{}, err
	}
	if req.Identifier == nil {
		return acme.Identifier{}, malformed("there is no identifier")
	}
	id, err := acme.ParseIdentifier(req.Identifier.Type, req.Identifier.Value)
	switch {
	case err != nil:
		return id, err
	case id.Type == ca.DNS && strings.HasPrefix(id.Value, "*."):
		return id, malformed("a wildcard cannot be authorized without an order")
	case id.Type == ca.PermanentIdentifier:
		return id, acme.NewProblem(acme.ProblemRejectedIdentifier, "a device attests a key for one order, and cannot be authorized without it")
	}
	return id, nil
}

func (x *exchange) insertAuthorization(id acme.Identifier) (*acme.Authorization, error) {
	now := x.s.now().UTC().Truncate(time.Second)
	a := x.makeAuthorization(acme.NewID(), id, now.Add(orderLifetime))
	return a, x.insertOrder(acme.NewStandalone(x.account.ID, x.ref.ID, a, now), nil)
}

// standalone returns the newest authorizations without an order that the account
// has for names at this provisioner.
func (x *exchange) standalone(ids []acme.Identifier) (map[acme.Identifier]*acme.Authorization, error) {
	records, err := x.s.store.Authorizations(x.r.Context(), x.account.ID, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[acme.Identifier]*acme.Authorization)
	for i, rec := range records {
		if rec == nil {
			continue
		}
		o, err := x.s.decodeOrder(rec)
		if err != nil {
			return nil, err
		}
		mine := o.Provisioner == x.ref.ID && o.AccountID == x.account.ID && o.Standalone
		if mine && len(o.Authorizations) == 1 && o.Authorizations[0].Identifier == ids[i] {
			found[ids[i]] = o.Authorizations[0]
		}
	}
	return found, nil
}

// stillOffers reports whether the challenge that made an authorization valid, if one
// did, is among those that the provisioner offers now.
func (x *exchange) stillOffers(a *acme.Authorization) bool {
	c := a.Fulfilled()
	return c == nil || slices.Contains(x.challengesFor(a.Name()), c.Type)
}

// takeOver returns the order's authorizations for names that the account proved its
// control of without an order, by a challenge that is still offered, and shortens
// the order's life to theirs.
func (x *exchange) takeOver(o *acme.Order) (map[acme.Identifier]*acme.Authorization, error) {
	found, err := x.standalone(o.Identifiers)
	if err != nil {
		return nil, err
	}
	for id, a := range found {
		taken := a.For(o.ID, x.s.now())
		if taken == nil || !x.stillOffers(taken) {
			delete(found, id)
			continue
		}
		found[id] = taken
		if taken.Expires.Before(o.Expires) {
			o.Expires = taken.Expires
		}
	}
	return found, nil
}
