package store

import (
	"context"
	"time"

	"stepca/ca"
	"stepca/kv"
)

// A spentToken is the record of a one-time ID.
type spentToken struct {
	ID      string    `json:"id"` // shortened if very long; the key is a hash of all
	SpentAt time.Time `json:"spentAt"`
	Expires time.Time `json:"expires,omitzero"` // zero: kept forever
}

const maxTokenIDShown = 256

// spend marks a one-time ID as used. If it was, the Update fails with an
// ExistsError in bucketTokens.
func (s *Store) spend(tx kv.Tx, id *ca.OneTimeID) error {
	if id == nil {
		return nil
	}
	key := hash(id.ID)
	rec := spentToken{ID: id.ID, SpentAt: s.nowUTC(), Expires: id.Expires.UTC()}
	if len(rec.ID) > maxTokenIDShown {
		rec.ID = rec.ID[:maxTokenIDShown]
	}
	v, err := encode(rec)
	if err != nil {
		return err
	}
	if err := tx.Insert(bucketTokens, key, v); err != nil {
		return err
	}
	if id.Expires.IsZero() {
		return nil
	}
	return tx.Put(bucketTokensByExpiry, append(appendTime(nil, id.Expires), key...), nil)
}

// release makes a one-time ID usable again.
func release(tx kv.Tx, id *ca.OneTimeID) error {
	if id == nil {
		return nil
	}
	key := hash(id.ID)
	if err := tx.Delete(bucketTokens, key); err != nil {
		return err
	}
	if id.Expires.IsZero() {
		return nil
	}
	return tx.Delete(bucketTokensByExpiry, append(appendTime(nil, id.Expires), key...))
}

// errTokenUsed is ErrTokenUsed as the requester meets it.
func errTokenUsed() error { return &ca.Error{Kind: ca.ErrUnauthorized, Cause: ErrTokenUsed} }

// SpendToken spends a one-time ID for something that leaves no other record.
// The error is ErrTokenUsed (kind ca.ErrUnauthorized) if it was spent before.
func (s *Store) SpendToken(ctx context.Context, id *ca.OneTimeID) error {
	err := s.engine.Update(ctx, func(tx kv.Tx) error { return s.spend(tx, id) })
	return conflict(err, map[string]error{bucketTokens: errTokenUsed()})
}
