package store

import (
	"bytes"
	"context"

	"stepca/ca"
	"stepca/kv"
)

// authorizationKey returns where the record of an authorization without an order is
// found.
func (o *ACMEOrder) authorizationKey() []byte {
	return join(textKey(o.AccountID), nameKey(*o.Authorizes))
}

// Authorizations returns the newest authorization without an order that an account
// has for each of several names; nil where it has none on record. What it is worth
// is for the caller to see.
func (s *Store) Authorizations(ctx context.Context, accountID string, names []ca.Identifier) ([]*ACMEOrder, error) {
	var found []*ACMEOrder
	err := s.engine.View(ctx, func(r kv.Reader) error {
		found = make([]*ACMEOrder, len(names))
		for i, name := range names {
			key, err := lookup(r, bucketAuthorizations, join(textKey(accountID), nameKey(name)))
			if err == nil && key != nil {
				found[i], err = load[ACMEOrder](r, bucketOrders, key)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return found, err
}

// forgetAuthorization removes what Authorizations finds o by, unless that is a newer
// authorization for the name.
func (o *ACMEOrder) forgetAuthorization(tx kv.Tx) error {
	if o.Authorizes == nil {
		return nil
	}
	at := o.authorizationKey()
	newest, err := lookup(tx, bucketAuthorizations, at)
	if err != nil || !bytes.Equal(newest, orderKey(o.ID)) {
		return err
	}
	return tx.Delete(bucketAuthorizations, at)
}
