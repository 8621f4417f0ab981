package acmeserver

import (
	"context"
	"time"

	"stepca/acme"
	"stepca/ca"
	"stepca/store"
)

// loadAccount returns the account with an ID, to be changed at will; kind
// ca.ErrNotFound if there is none.
func (b *Backend) loadAccount(ctx context.Context, id string) (*acme.Account, error) {
	rec, err := b.store.Account(ctx, id)
	if err != nil {
		return nil, err
	}
	if a := b.accounts.get(rec.ID, rec.Data); a != nil {
		return a, nil
	}
	a, err := acme.LoadAccount(rec)
	if err == nil {
		b.accounts.put(rec.ID, rec.Data, a)
	}
	return a, err
}

// findOrder returns the order that an ID, its own or that of a part, belongs to, its
// status up to date; kind ca.ErrNotFound if there is none.
func (b *Backend) findOrder(ctx context.Context, id string) (*acme.Order, error) {
	rec, err := b.store.Order(ctx, id)
	if err != nil {
		return nil, err
	}
	o, err := b.decodeOrder(rec)
	if err != nil {
		return nil, err
	}
	o.Advance(b.now())
	return o, nil
}

// updateOrder changes an order in a transaction of its own, and uses the nonce, nil
// for none. apply is as that of changing.
func (b *Backend) updateOrder(ctx context.Context, id string, nonce *ca.OneTimeID, apply func(*acme.Order) error) (*acme.Order, error) {
	var o *acme.Order
	_, err := b.store.UpdateOrder(ctx, id, nonce, b.changing(func(current *acme.Order) error {
		o = current
		return apply(o)
	}))
	return o, err
}

// changing returns the change to a record that apply makes to its order, whose
// status is then brought up to date. apply may refuse; it may run more than once.
func (b *Backend) changing(apply func(*acme.Order) error) func(*store.ACMEOrder) error {
	return func(rec *store.ACMEOrder) error {
		o, err := b.decodeOrder(rec)
		if err != nil {
			return err
		}
		if err := apply(o); err != nil {
			return err
		}
		o.Advance(b.now())
		return b.encodeOrder(o, rec, rec.ExpiresAt)
	}
}

// insertOrder stores a new order, and the update (nil for none) of the one whose
// certificate it replaces.
func (x *exchange) insertOrder(o *acme.Order, replaced *store.ACMEOrderUpdate) error {
	rec := new(store.ACMEOrder)
	if err := x.s.encodeOrder(o, rec, o.Expires); err != nil {
		return err
	}
	return x.spent(x.s.store.InsertOrder(x.r.Context(), rec, x.nonce, replaced))
}

// decodeOrder returns the order of a record, to be changed at will.
func (b *Backend) decodeOrder(rec *store.ACMEOrder) (*acme.Order, error) {
	if o := b.orders.get(rec.ID, rec.Data); o != nil {
		return o, nil
	}
	o, err := acme.LoadOrder(rec)
	if err == nil {
		b.orders.put(rec.ID, rec.Data, o)
	}
	return o, err
}

// encodeOrder saves the order in its record, which is kept for a time from keep on.
func (b *Backend) encodeOrder(o *acme.Order, rec *store.ACMEOrder, keep time.Time) error {
	if err := o.Save(rec, keep); err != nil {
		return err
	}
	b.orders.put(rec.ID, rec.Data, o)
	return nil
}
