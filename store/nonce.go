package store

import (
	"context"
	"errors"

	"stepca/ca"
	"stepca/kv"
)

// ErrNonceUsed means that an ACME nonce was used before.
var ErrNonceUsed = errors.New("nonce was used before")

func errNonceUsed() error { return &ca.Error{Kind: ca.ErrMalformed, Cause: ErrNonceUsed} }

// useNonce marks an ACME nonce as used, in the transaction of the request that
// it came with. Servers that share a database call it; one alone remembers used
// nonces in memory. nil is no nonce.
func (s *Store) useNonce(tx kv.Tx, nonce *ca.OneTimeID) error {
	if nonce == nil {
		return nil
	}
	key := hash(nonce.ID)[:keyHashLen]
	if err := tx.Insert(bucketNonces, key, nil); err != nil {
		return err
	}
	return tx.Put(bucketNoncesByExpiry, append(appendExpiry(nil, nonce.Expires), key...), nil)
}

// UseNonce marks an ACME nonce as used, for a request that writes nothing else.
// The error is ErrNonceUsed if it was used before.
func (s *Store) UseNonce(ctx context.Context, nonce *ca.OneTimeID) error {
	return s.update(ctx, nonce, func(kv.Tx) error { return nil })
}

// update is Engine.Update with a nonce used in the same transaction.
func (s *Store) update(ctx context.Context, nonce *ca.OneTimeID, f func(kv.Tx) error) error {
	err := s.engine.Update(ctx, func(tx kv.Tx) error {
		if err := s.useNonce(tx, nonce); err != nil {
			return err
		}
		return f(tx)
	})
	return conflict(err, map[string]error{
		bucketNonces:         errNonceUsed(),
		bucketAccounts:       ErrExists,
		bucketAccountsByKey:  ErrExists,
		bucketOrders:         ErrExists,
		bucketOrderAliases:   ErrExists,
		bucketEABKeys:        ErrExists,
		bucketEABByReference: ErrExists,
	})
}
