package txn

import (
	"context"
	"errors"
	"iter"
	"slices"

	"stepca/kv"
)

// errEnded answers calls on a transaction that outlived its function.
var errEnded = errors.New("transaction is over")

// A Reader checks arguments, keeps limits and heeds a context, so that an
// engine's own reader need not.
type Reader struct {
	ctx   context.Context
	base  kv.Reader
	ended bool
}

// NewReader returns a Reader of base that fails when ctx ends.
func NewReader(ctx context.Context, base kv.Reader) *Reader {
	return &Reader{ctx: ctx, base: base}
}

// End makes every later call fail, so that a reader kept by mistake is noticed.
func (r *Reader) End() { r.ended = true }

// Get implements kv.Reader.
func (r *Reader) Get(bucket string, key []byte) ([]byte, error) {
	if r.ended {
		return nil, errEnded
	}
	if err := kv.CheckKey(bucket, key); err != nil {
		return nil, err
	}
	return r.base.Get(bucket, key)
}

// checkEvery is the number of entries between two looks at the context.
const checkEvery = 64

// Scan implements kv.Reader.
func (r *Reader) Scan(bucket string, rng kv.Range) iter.Seq2[kv.Entry, error] {
	return func(yield func(kv.Entry, error) bool) {
		if r.ended {
			yield(kv.Entry{}, errEnded)
			return
		}
		if err := kv.CheckBucket(bucket); err != nil {
			yield(kv.Entry{}, err)
			return
		}
		n := 0
		for e, err := range r.base.Scan(bucket, rng) {
			if err == nil && n%checkEvery == 0 {
				err = r.ctx.Err()
			}
			if err != nil {
				yield(kv.Entry{}, err)
				return
			}
			n++
			if !yield(e, nil) || n == rng.Limit {
				return
			}
		}
	}
}

// Run runs f in a transaction over base and returns what it wrote, for the
// engine to apply. The error is f's own, or the *kv.ExistsError of an Insert
// whose error f did not return.
//
// insert is asked for each Insert of a key that the transaction has not written:
// it returns an *kv.ExistsError, or nil if the key is absent or the engine will
// find out when it commits. If insert is nil, base is asked.
func Run(ctx context.Context, base kv.Reader, insert func(bucket string, key []byte) error, f func(kv.Tx) error) (*Writes, error) {
	if insert == nil {
		insert = func(bucket string, key []byte) error { return absentFrom(base, bucket, key) }
	}
	tx := &tx{insert: insert}
	tx.Reader = NewReader(ctx, Over(&tx.writes, base))
	defer tx.End()
	if err := f(tx); err != nil {
		return nil, err
	}
	if tx.conflict != nil {
		return nil, tx.conflict
	}
	if err := kv.CheckUpdate(tx.writes.Len(), tx.writes.Size()); err != nil {
		return nil, err
	}
	return &tx.writes, ctx.Err()
}

func absentFrom(base kv.Reader, bucket string, key []byte) error {
	switch _, err := base.Get(bucket, key); {
	case err == nil:
		return &kv.ExistsError{Bucket: bucket, Key: slices.Clone(key)}
	case errors.Is(err, kv.ErrNotFound):
		return nil
	default:
		return err
	}
}

// A tx is a kv.Tx that collects its writes.
type tx struct {
	*Reader
	writes   Writes
	insert   func(bucket string, key []byte) error
	conflict error // of the first Insert that met a key
}

// Put implements kv.Tx.
func (tx *tx) Put(bucket string, key, value []byte) error {
	if tx.ended {
		return errEnded
	}
	if err := kv.CheckWrite(bucket, key, value); err != nil {
		return err
	}
	return tx.set(Write{Bucket: bucket, Key: slices.Clone(key), Value: append([]byte{}, value...)})
}

// Insert implements kv.Tx.
func (tx *tx) Insert(bucket string, key, value []byte) error {
	if tx.ended {
		return errEnded
	}
	if err := kv.CheckWrite(bucket, key, value); err != nil {
		return err
	}
	var err error
	if w, written := tx.writes.Get(bucket, key); !written {
		err = tx.insert(bucket, key)
	} else if !w.Delete {
		err = &kv.ExistsError{Bucket: bucket, Key: slices.Clone(key)}
	}
	if err != nil {
		if errors.Is(err, kv.ErrExists) && tx.conflict == nil {
			tx.conflict = err
		}
		return err
	}
	return tx.Put(bucket, key, value)
}

// Delete implements kv.Tx.
func (tx *tx) Delete(bucket string, key []byte) error {
	if tx.ended {
		return errEnded
	}
	if err := kv.CheckKey(bucket, key); err != nil {
		return err
	}
	return tx.set(Write{Bucket: bucket, Key: slices.Clone(key), Delete: true})
}

func (tx *tx) set(w Write) error {
	tx.writes.Set(w)
	return kv.CheckUpdate(tx.writes.Len(), tx.writes.Size())
}
