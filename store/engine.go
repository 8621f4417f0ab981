package store

import (
	"context"
	"errors"

	"stepca/ca"
	"stepca/kv"
)

// kinded is an engine whose troubles have a kind: those that pass, or that need
// the operator, are ca.ErrUnavailable, so that requesters come back later. A
// commit whose outcome is unknown keeps none; it must not be repeated blindly.
type kinded struct{ kv.Engine }

func (k kinded) View(ctx context.Context, f func(kv.Reader) error) error {
	return unavailable(k.Engine.View(ctx, f))
}

func (k kinded) Update(ctx context.Context, f func(kv.Tx) error) error {
	return unavailable(k.Engine.Update(ctx, f))
}

func unavailable(err error) error {
	for _, trouble := range []error{kv.ErrBusy, kv.ErrReadOnly, kv.ErrClosed} {
		if errors.Is(err, trouble) {
			return &ca.Error{Kind: ca.ErrUnavailable, Cause: err}
		}
	}
	return err
}
