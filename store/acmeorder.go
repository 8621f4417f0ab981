package store

import (
	"context"
	"encoding/json"
	"time"

	"stepca/ca"
	"stepca/kv"
	"stepca/plainjson"
)

// ACMEIDPrefix is how many characters the IDs of an order, its authorizations,
// challenges and certificate share. They are the key of the one record that
// holds them all, so that each is found without an index.
const ACMEIDPrefix = 20

// An ACMEOrder is the record of an order with its authorizations and challenges
// (RFC 8555 §7.1.3–7.1.5), which package acme keeps in Data; or that of an
// authorization without an order (§7.4.1), which lives as an order does.
type ACMEOrder struct {
	ID        string    `json:"id"`
	AccountID string    `json:"accountId"`
	CreatedAt time.Time `json:"createdAt"`
	ExpiresAt time.Time `json:"expiresAt"`

	// Aliases are IDs of imported authorizations, challenges and certificates
	// that do not share the order's prefix. They cannot be changed later.
	Aliases []string `json:"aliases,omitempty"`

	// Authorizes is set for an authorization without an order: it is found by the
	// account and this name. It cannot be changed later.
	Authorizes *ca.Identifier `json:"authorizes,omitempty"`

	Data json.RawMessage `json:"data"` // the last member: see envelope
}

func (o *ACMEOrder) content() *json.RawMessage { return &o.Data }

func (o *ACMEOrder) readMember(r *plainjson.Reader, name []byte) {
	switch string(name) {
	case "id":
		o.ID = r.String()
	case "accountId":
		o.AccountID = r.String()
	case "createdAt":
		o.CreatedAt = readTime(r)
	case "expiresAt":
		o.ExpiresAt = readTime(r)
	default:
		r.Fail()
	}
}

func (o *ACMEOrder) writeMembers(w *plainjson.Writer) {
	w.Grow(usualMembers + len(o.Data))
	w.Text("id", o.ID)
	w.Text("accountId", o.AccountID)
	w.Time("createdAt", o.CreatedAt)
	w.Time("expiresAt", o.ExpiresAt)
	if len(o.Aliases) > 0 {
		w.Texts("aliases", o.Aliases)
	}
	if o.Authorizes != nil {
		w.Name("authorizes")
		writeIdentifier(w, *o.Authorizes)
	}
	w.JSON("data", o.Data)
}

// An ACMEOrderUpdate changes an order in a transaction that stores something else:
// its certificate, the intent to sign that, or the order that replaces it.
type ACMEOrderUpdate struct {
	ID    string
	Nonce *ca.OneTimeID // used with it; nil for none

	// Apply changes Data or refuses, which refuses the record as well. It may run
	// more than once.
	Apply func(*ACMEOrder) error
}

// orderKey returns the key of the order that an ID belongs to, by its prefix.
func orderKey(id string) []byte {
	if id == "" {
		return []byte{0} // no order has it
	}
	return []byte(id[:min(len(id), ACMEIDPrefix)])
}

func (o *ACMEOrder) indexes() []index {
	key := orderKey(o.ID)
	return []index{
		{bucketOrdersByAccount, join(textKey(o.AccountID), appendTime(nil, o.CreatedAt), key)},
		{bucketOrdersByExpiry, append(appendTime(nil, o.ExpiresAt), key...)},
	}
}

// findOrder returns the order that an ID (its own or one of its parts) belongs
// to, or nil.
func findOrder(r kv.Reader, id string) (*ACMEOrder, error) {
	o, err := load[ACMEOrder](r, bucketOrders, orderKey(id))
	if o != nil || err != nil {
		return o, err
	}
	key, err := lookup(r, bucketOrderAliases, textKey(id))
	if key == nil || err != nil {
		return nil, err
	}
	return load[ACMEOrder](r, bucketOrders, key)
}

func errNoOrder() error { return ca.Errorf(ca.ErrNotFound, "order not found") }

// InsertOrder stores a new order, uses the nonce, and updates the order whose
// certificate it replaces (nil for none), which may refuse. The error is ErrExists if
// an order has the same prefix.
func (s *Store) InsertOrder(ctx context.Context, o *ACMEOrder, nonce *ca.OneTimeID, replaced *ACMEOrderUpdate) error {
	order, err := newInsertion(bucketOrders, orderKey(o.ID), o, o.indexes()...)
	if err != nil {
		return err
	}
	return s.update(ctx, nonce, func(tx kv.Tx) error {
		for _, alias := range o.Aliases {
			if err := tx.Insert(bucketOrderAliases, textKey(alias), order.key); err != nil {
				return err
			}
		}
		if o.Authorizes != nil {
			if err := tx.Put(bucketAuthorizations, o.authorizationKey(), order.key); err != nil {
				return err
			}
		}
		if err := s.applyOrder(tx, replaced); err != nil {
			return err
		}
		return order.write(tx)
	})
}

// Order returns the order that id belongs to: its own ID, or that of one of its
// authorizations, challenges or its certificate. Whether Data holds that very ID
// is for the caller to see. Kind ca.ErrNotFound if there is none.
func (s *Store) Order(ctx context.Context, id string) (o *ACMEOrder, err error) {
	err = s.engine.View(ctx, func(r kv.Reader) error {
		o, err = findOrder(r, id)
		return err
	})
	if err == nil && o == nil {
		err = errNoOrder()
	}
	return o, err
}

// UpdateOrder changes the Data of the order that id belongs to: apply sees it as
// it is and may refuse; nobody else changes it meanwhile. apply may run more than
// once. It returns the order as stored.
func (s *Store) UpdateOrder(ctx context.Context, id string, nonce *ca.OneTimeID, apply func(*ACMEOrder) error) (o *ACMEOrder, err error) {
	err = s.update(ctx, nonce, func(tx kv.Tx) error {
		o, err = changeOrder(tx, id, apply)
		return err
	})
	if err != nil {
		return nil, err
	}
	return o, nil
}

// applyOrder is UpdateOrder within a transaction; nil changes nothing.
func (s *Store) applyOrder(tx kv.Tx, up *ACMEOrderUpdate) error {
	if up == nil {
		return nil
	}
	if err := s.useNonce(tx, up.Nonce); err != nil {
		return err
	}
	_, err := changeOrder(tx, up.ID, up.Apply)
	return err
}

func changeOrder(tx kv.Tx, id string, apply func(*ACMEOrder) error) (*ACMEOrder, error) {
	old, err := findOrder(tx, id)
	if err != nil {
		return nil, err
	}
	if old == nil {
		return nil, errNoOrder()
	}
	o := *old
	if err := apply(&o); err != nil {
		return nil, err
	}
	o.ID, o.AccountID, o.CreatedAt = old.ID, old.AccountID, old.CreatedAt
	o.Aliases, o.Authorizes = old.Aliases, old.Authorizes
	if !o.ExpiresAt.Equal(old.ExpiresAt) {
		if err := deleteIndexes(tx, old.indexes()); err != nil {
			return nil, err
		}
		if err := putIndexes(tx, o.indexes()); err != nil {
			return nil, err
		}
	}
	return &o, put(tx, bucketOrders, orderKey(o.ID), &o)
}

// Orders returns a page of an account's orders, newest first.
func (s *Store) Orders(ctx context.Context, accountID string, p Page) (page []*ACMEOrder, next string, err error) {
	prefix := textKey(accountID)
	err = s.engine.View(ctx, func(r kv.Reader) error {
		page, next, err = list(r, bucketOrdersByAccount, newestFirst(prefix), p, func(e kv.Entry) (*ACMEOrder, error) {
			return load[ACMEOrder](r, bucketOrders, e.Key[len(prefix)+timeLen:])
		})
		return err
	})
	return page, next, err
}

// deleteOrder removes the order of an entry in bucketOrdersByExpiry.
func deleteOrder(tx kv.Tx, indexKey []byte) error {
	key := indexKey[timeLen:]
	o, err := load[ACMEOrder](tx, bucketOrders, key)
	if o == nil || err != nil {
		return err
	}
	for _, alias := range o.Aliases {
		if err := tx.Delete(bucketOrderAliases, textKey(alias)); err != nil {
			return err
		}
	}
	if err := o.forgetAuthorization(tx); err != nil {
		return err
	}
	if err := deleteIndexes(tx, o.indexes()); err != nil {
		return err
	}
	return tx.Delete(bucketOrders, key)
}
