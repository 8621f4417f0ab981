package txn

import (
	"bytes"
	"iter"

	"stepca/kv"
)

// Over returns a reader of base as it will be once ws is applied. Writes added
// to ws later are seen by Get, and by scans that begin later.
func Over(ws *Writes, base kv.Reader) kv.Reader { return &over{ws, base} }

type over struct {
	writes *Writes
	base   kv.Reader
}

// Get implements kv.Reader.
func (o *over) Get(bucket string, key []byte) ([]byte, error) {
	if w, ok := o.writes.Get(bucket, key); ok {
		if w.Delete {
			return nil, kv.ErrNotFound
		}
		return w.Value, nil
	}
	return o.base.Get(bucket, key)
}

// Scan implements kv.Reader. It does not keep r.Limit, which Tx does.
func (o *over) Scan(bucket string, r kv.Range) iter.Seq2[kv.Entry, error] {
	return func(yield func(kv.Entry, error) bool) {
		pending, ok := o.writes.within(bucket, r)
		if !ok {
			o.base.Scan(bucket, r)(yield)
			return
		}
		r.Limit = 0 // how many of the entries beneath are deleted is not known
		merge(pending, o.base.Scan(bucket, r), r.Reverse, yield)
	}
}

// merge yields the entries of base with the pending writes applied, both being
// in the same order.
func merge(pending iter.Seq2[string, Write], base iter.Seq2[kv.Entry, error], reverse bool, yield func(kv.Entry, error) bool) {
	next, stop := iter.Pull2(pending)
	defer stop()
	_, w, more := next()
	// emit yields the write at hand and moves to the next one.
	emit := func() bool {
		ok := w.Delete || yield(kv.Entry{Key: w.Key, Value: w.Value}, nil)
		_, w, more = next()
		return ok
	}
	for e, err := range base {
		if err != nil {
			yield(kv.Entry{}, err)
			return
		}
		replaced := false
		for more {
			c := bytes.Compare(w.Key, e.Key)
			if reverse {
				c = -c
			}
			if c > 0 {
				break
			}
			replaced = replaced || c == 0
			if !emit() {
				return
			}
		}
		if !replaced && !yield(e, nil) {
			return
		}
	}
	for more {
		if !emit() {
			return
		}
	}
}
