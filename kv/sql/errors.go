package sql

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"stepca/kv"
)

// errChanged says that a key that was read has changed since.
var errChanged = errors.New("another transaction changed what this one read")

// again reports whether a try that failed with err may be made again: nothing of
// it was committed.
func (e *Engine) again(err error) bool {
	if errors.Is(err, kv.ErrInDoubt) {
		return false
	}
	return errors.Is(err, errChanged) || e.d.conflict(err) || e.d.disconnected(err) || e.d.undecided(err)
}

// explain returns the error of a write that was, or will be, rolled back.
func (t *transaction) explain(err error) error {
	if !t.d.duplicate(err) {
		return fmt.Errorf("writing to the database: %w", err)
	}
	// Which row it was the server does not say in a way that all share. A key
	// that was absent when it was read is a conflict, one that was only to be
	// inserted is the caller's to know.
	t.rollback()
	for _, f := range sorted(t.inserts) {
		k := keyOf(f)
		s := t.d.get(k)
		var value []byte
		var version int64
		if t.db.QueryRowContext(t.ctx, s.query, s.args...).Scan(&value, &version) == nil {
			return &kv.ExistsError{Bucket: k.bucket, Key: k.id}
		}
	}
	return errChanged
}

// commitError returns the error of a statement that may have committed.
func (t *transaction) commitError(err error) error {
	if t.d.conflict(err) || t.d.disconnected(err) {
		return fmt.Errorf("writing to the database: %w", err)
	}
	if t.d.undecided(err) || t.ctx.Err() != nil {
		return fmt.Errorf("committing to the database: %w (%w)", err, kv.ErrInDoubt)
	}
	return fmt.Errorf("committing to the database: %w", err)
}

// busy is the error of tries that came to nothing.
func busy(ctx context.Context, last error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return fmt.Errorf("%w: gave up trying again: %w", kv.ErrBusy, last)
}

// A retry paces the tries of a transaction: at once, then after pauses that grow
// and vary, so that those who met do not meet again.
type retry struct {
	until time.Time
	pause time.Duration
	tries int
}

const (
	firstPause = 2 * time.Millisecond
	maxPause   = 250 * time.Millisecond
)

func (e *Engine) newRetry() *retry {
	return &retry{until: time.Now().Add(e.opts.RetryFor), pause: firstPause}
}

// next waits before the next try. It is false if there should be none.
func (r *retry) next(ctx context.Context) bool {
	if r.tries++; r.tries == 1 {
		return true
	}
	pause := r.pause/2 + rand.N(r.pause)
	if time.Now().Add(pause).After(r.until) {
		return false
	}
	r.pause = min(2*r.pause, maxPause)
	select {
	case <-time.After(pause):
		return true
	case <-ctx.Done():
		return false
	}
}
