// Package mem is the engine that keeps everything in memory and forgets it at
// the end: for tests, for "type": "memory", and as the measure of the others.
package mem

import (
	"cmp"
	"context"
	"iter"
	"sync"

	"github.com/RaduBerinde/btreemap"

	"stepca/kv"
	"stepca/kv/txn"
)

// tree maps flat keys (bucket and key, see txn.AppendFlat) to values.
type tree = btreemap.BTreeMap[string, []byte]

const treeDegree = 32

// An Engine is a kv.Engine in memory. Updates run one at a time, Views beside
// them on a snapshot that costs nothing to take.
type Engine struct {
	gate   txn.Gate
	writer chan struct{} // holds one token while an Update runs

	mu       sync.Mutex // guards the fields below; held for no longer than a commit
	tree     *tree      // changed by the Update that holds writer, under mu
	snapshot *tree      // a lazy copy of tree; nil if tree was changed since
}

var _ kv.Engine = (*Engine)(nil)

// New returns an empty engine.
func New() *Engine {
	return &Engine{
		writer: make(chan struct{}, 1),
		tree:   btreemap.New[string, []byte](treeDegree, cmp.Compare[string]),
	}
}

// View implements kv.Engine.
func (e *Engine) View(ctx context.Context, f func(kv.Reader) error) error {
	if err := e.gate.Enter(); err != nil {
		return err
	}
	defer e.gate.Leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	r := txn.NewReader(ctx, reader{e.frozen()})
	defer r.End()
	return f(r)
}

// frozen returns the data as it is now, for reading.
func (e *Engine) frozen() *tree {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.snapshot == nil {
		e.snapshot = e.tree.Clone()
	}
	return e.snapshot
}

// Update implements kv.Engine. f runs once.
func (e *Engine) Update(ctx context.Context, f func(kv.Tx) error) error {
	if err := e.gate.Enter(); err != nil {
		return err
	}
	defer e.gate.Leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case e.writer <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-e.writer }()

	writes, err := txn.Run(ctx, reader{e.tree}, nil, f)
	if err != nil {
		return err
	}
	e.apply(writes)
	return nil
}

func (e *Engine) apply(ws *txn.Writes) {
	if ws.Len() == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.snapshot = nil
	for flat, w := range ws.Flat() {
		if w.Delete {
			e.tree.Delete(flat)
		} else {
			e.tree.ReplaceOrInsert(flat, w.Value)
		}
	}
}

// Close implements kv.Engine. The data is gone.
func (e *Engine) Close() error {
	if e.gate.Close() {
		e.tree, e.snapshot = nil, nil
	}
	return nil
}

// A reader reads a tree that does not change meanwhile.
type reader struct{ tree *tree }

// Get implements kv.Reader.
func (r reader) Get(bucket string, key []byte) ([]byte, error) {
	if _, v, ok := r.tree.Get(string(txn.AppendFlat(nil, bucket, key))); ok {
		return v, nil
	}
	return nil, kv.ErrNotFound
}

// Scan implements kv.Reader.
func (r reader) Scan(bucket string, rng kv.Range) iter.Seq2[kv.Entry, error] {
	lower, upper := txn.FlatRange(bucket, rng)
	all := r.tree.Ascend(btreemap.GE(string(lower)), btreemap.LT(string(upper)))
	if rng.Reverse {
		all = r.tree.Descend(btreemap.LT(string(upper)), btreemap.GE(string(lower)))
	}
	return func(yield func(kv.Entry, error) bool) {
		for flat, v := range all {
			if !yield(kv.Entry{Key: []byte(flat[len(bucket)+1:]), Value: v}, nil) {
				return
			}
		}
	}
}
