// Package groupcommit makes a kv.Engine of a Store, which need only read a
// snapshot and write a batch: the embedded engines are Stores.
//
// Update functions run one after another, each in its caller's goroutine, and
// add their writes to the batch that is filling. One goroutine, the committer,
// takes that batch, writes and syncs it, and lets all its Updates return, while
// the next batch fills. So many Updates share one sync, transactions are
// serializable without locks on keys, and nothing is acknowledged before its
// sync.
//
// An Update sees the batches ahead of its own, durable or not: it returns after
// they are durable, even if it wrote nothing. A View sees what is durable.
//
// When a write or a sync fails, nobody knows what is on the disk (a second sync
// may claim success for pages that the first one dropped). The engine then
// writes no more: the Updates in that batch fail with kv.ErrInDoubt, all others
// with kv.ErrReadOnly, Views go on, and opening the store again decides by what
// can be read back.
package groupcommit

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"stepca/kv"
	"stepca/kv/txn"
)

// A Store is an embedded database as the committer needs it.
type Store interface {
	// Snapshot returns the durable data as it is now. It is called while an
	// Apply is under way, and need not show any of that.
	Snapshot() (Snapshot, error)

	// Apply writes ws, all or nothing, and returns when it is durable. Calls do
	// not overlap. After an error there are no more calls.
	Apply(ws *txn.Writes) error

	// Close releases the store, when nothing else is under way.
	Close() error
}

// A Snapshot is one state of the data. Scan need not heed Range.Limit.
type Snapshot interface {
	kv.Reader
	Close() error
}

// A batch with as many bytes or keys takes no more Updates, so that memory stays
// bounded however long a sync takes. A batch is thus smaller than this and one
// largest Update together, and a Store must be able to apply that.
const (
	maxBatchLen  = 1 << 20
	maxBatchKeys = 10_000
)

// An Engine is a kv.Engine over a Store.
type Engine struct {
	store Store
	gate  txn.Gate

	// turn holds a token while an Update function runs, or the committer takes
	// the batch. A channel and not a mutex, so that waiting ends with a context,
	// and in the order of arrival.
	turn    chan struct{}
	filling *batch // guarded by turn
	failed  error  // guarded by turn; not nil after a failed Apply

	// flying is the batch being made durable, or nil. Set by the committer, under
	// turn; cleared by it without, so read it before taking a snapshot: then the
	// batch is in one of the two.
	flying atomic.Pointer[batch]

	wake    chan struct{}  // tells the committer that filling is not empty
	stopped sync.WaitGroup // the committer
}

// A batch is what shares one sync.
type batch struct {
	writes txn.Writes
	taken  chan struct{} // closed when it fills no more
	done   chan struct{} // closed when it is durable, or failed
	err    error         // why it failed; read after done
}

func newBatch() *batch {
	return &batch{taken: make(chan struct{}), done: make(chan struct{})}
}

// New returns an engine over store, and owns store from then on.
func New(store Store) *Engine {
	e := &Engine{
		store:   store,
		turn:    make(chan struct{}, 1),
		filling: newBatch(),
		wake:    make(chan struct{}, 1),
	}
	e.stopped.Go(e.commit)
	return e
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
	snapshot, err := e.store.Snapshot()
	if err != nil {
		return fmt.Errorf("reading the store: %w", err)
	}
	defer snapshot.Close()
	r := txn.NewReader(ctx, snapshot)
	defer r.End()
	return f(r)
}

// Update implements kv.Engine. f runs at most once.
func (e *Engine) Update(ctx context.Context, f func(kv.Tx) error) error {
	if err := e.gate.Enter(); err != nil {
		return err
	}
	defer e.gate.Leave()
	b, wrote, err := e.run(ctx, f)
	if b == nil {
		return err
	}
	select {
	case <-b.done:
		if b.err != nil {
			return b.err
		}
		return err
	case <-ctx.Done():
		if wrote {
			return fmt.Errorf("waiting for the disk: %w: %w", ctx.Err(), kv.ErrInDoubt)
		}
		return ctx.Err()
	}
}

// run runs f and adds its writes to the filling batch. It returns the batch
// that must be durable before the result, f's error too, may be told.
func (e *Engine) run(ctx context.Context, f func(kv.Tx) error) (b *batch, wrote bool, err error) {
	if err := e.takeTurn(ctx); err != nil {
		return nil, false, err
	}
	defer e.passTurn()
	if e.failed != nil {
		return nil, false, e.failed
	}
	flying := e.flying.Load()
	snapshot, err := e.store.Snapshot()
	if err != nil {
		return nil, false, fmt.Errorf("reading the store: %w", err)
	}
	defer snapshot.Close()
	var base kv.Reader = snapshot
	if flying != nil {
		base = txn.Over(&flying.writes, base)
	}
	if e.filling.writes.Len() > 0 {
		base = txn.Over(&e.filling.writes, base)
	}
	writes, err := txn.Run(ctx, base, nil, f)
	switch {
	case err == nil && writes.Len() > 0:
		e.filling.writes.Merge(writes)
		select {
		case e.wake <- struct{}{}:
		default: // it has been told
		}
		return e.filling, true, nil
	case e.filling.writes.Len() > 0:
		return e.filling, false, err
	default:
		return flying, false, err
	}
}

// takeTurn waits until it is the caller's turn and the filling batch has room.
func (e *Engine) takeTurn(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		select {
		case e.turn <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		full := e.filling
		if full.writes.Size() < maxBatchLen && full.writes.Len() < maxBatchKeys {
			return nil
		}
		e.passTurn()
		select {
		case <-full.taken:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (e *Engine) passTurn() { <-e.turn }

// commit is the committer. It ends when wake is closed and nothing is left.
func (e *Engine) commit() {
	for range e.wake {
		// Requests that can run go first: they fill the batch, where the committer
		// would otherwise take it after each Update, since whoever is woken is next
		// to run. A sync costs processor time too, more than the rest of an Update.
		runtime.Gosched()
		b := e.takeBatch()
		if b == nil {
			continue // its Updates went with the batch before
		}
		if err := e.apply(b); err != nil {
			b.err = fmt.Errorf("writing to the store: %w (%w, %w)", err, kv.ErrInDoubt, kv.ErrReadOnly)
			e.fail(err)
		}
		e.flying.Store(nil)
		close(b.done)
	}
}

// takeBatch makes the filling batch the flying one, or returns nil if it is empty.
func (e *Engine) takeBatch() *batch {
	e.turn <- struct{}{}
	defer e.passTurn()
	b := e.filling
	if b.writes.Len() == 0 {
		return nil
	}
	e.filling = newBatch()
	close(b.taken)
	e.flying.Store(b)
	return b
}

// apply writes b. A panic of the database is an error: it must neither take down
// the process nor be taken for success.
func (e *Engine) apply(b *batch) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return e.store.Apply(&b.writes)
}

// fail makes the engine read-only, and lets down those who wait in the batch
// that was filling: it rests on one that is not durable.
func (e *Engine) fail(cause error) {
	e.turn <- struct{}{}
	defer e.passTurn()
	e.failed = fmt.Errorf("%w after writing failed (%w): free or repair the disk, then restart the server", kv.ErrReadOnly, cause)
	b := e.filling
	e.filling = newBatch()
	b.err = e.failed
	close(b.taken)
	close(b.done)
}

// Close implements kv.Engine.
func (e *Engine) Close() error {
	if !e.gate.Close() {
		return nil
	}
	close(e.wake)
	e.stopped.Wait()
	if err := e.store.Close(); err != nil {
		return fmt.Errorf("closing the store: %w", err)
	}
	return nil
}
