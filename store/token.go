package store

import (
	"context"
	"strings"
	"time"

	"stepca/ca"
	"stepca/kv"
	"stepca/plainjson"
)

// A spentToken is the record of a one-time ID.
type spentToken struct {
	ID      string    `json:"id"` // shortened if very long; the key is a hash of all
	SpentAt time.Time `json:"spentAt"`
	Expires time.Time `json:"expires,omitzero"` // zero: kept forever
}

func (t spentToken) writeMembers(w *plainjson.Writer) {
	w.Grow(usualMembers)
	w.Text("id", t.ID)
	w.Time("spentAt", t.SpentAt)
	if !t.Expires.IsZero() {
		w.Time("expires", t.Expires)
	}
}

const maxTokenIDShown = 256

// spending returns what marks a one-time ID as used; nil for nil.
func (s *Store) spending(id *ca.OneTimeID) (*insertion, error) {
	if id == nil {
		return nil, nil
	}
	rec := spentToken{ID: id.ID, SpentAt: s.nowUTC(), Expires: id.Expires.UTC()}
	if len(rec.ID) > maxTokenIDShown {
		rec.ID = strings.ToValidUTF8(rec.ID[:maxTokenIDShown], "")
	}
	return newInsertion(bucketTokens, hash(id.ID), rec, tokenIndexes(id)...)
}

// tokenIndexes is empty for an ID that is never forgotten.
func tokenIndexes(id *ca.OneTimeID) []index {
	if id.Expires.IsZero() {
		return nil
	}
	return []index{{bucketTokensByExpiry, append(appendTime(nil, id.Expires), hash(id.ID)...)}}
}

// release makes a one-time ID usable again.
func release(tx kv.Tx, id *ca.OneTimeID) error {
	if id == nil {
		return nil
	}
	if err := tx.Delete(bucketTokens, hash(id.ID)); err != nil {
		return err
	}
	return deleteIndexes(tx, tokenIndexes(id))
}

// errTokenUsed is ErrTokenUsed as the requester meets it.
func errTokenUsed() error { return &ca.Error{Kind: ca.ErrUnauthorized, Cause: ErrTokenUsed} }

// SpendToken spends a one-time ID for something that leaves no other record.
// The error is ErrTokenUsed (kind ca.ErrUnauthorized) if it was spent before.
func (s *Store) SpendToken(ctx context.Context, id *ca.OneTimeID) error {
	token, err := s.spending(id)
	if err != nil {
		return err
	}
	err = s.engine.Update(ctx, token.write)
	return conflict(err, map[string]error{bucketTokens: errTokenUsed()})
}
