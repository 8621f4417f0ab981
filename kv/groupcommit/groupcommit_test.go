package groupcommit_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stepca/kv"
	"stepca/kv/groupcommit"
	"stepca/kv/kvtest"
	"stepca/kv/mem"
	"stepca/kv/txn"
)

// A slowStore is a Store in memory whose syncs take time, and fail on demand.
type slowStore struct {
	data *mem.Engine
	sync time.Duration

	mu      sync.Mutex
	batches []int // keys in each batch
	fail    error // of the next Apply
	panics  bool  // the next Apply panics
}

func newSlowStore(sync time.Duration) *slowStore { return &slowStore{data: mem.New(), sync: sync} }

// A snapshot lives in a View that goes on until Close.
type snapshot struct {
	kv.Reader
	end  chan struct{}
	done chan error
}

func (s *slowStore) Snapshot() (groupcommit.Snapshot, error) {
	snap := &snapshot{end: make(chan struct{}), done: make(chan error, 1)}
	ready := make(chan struct{})
	go func() {
		snap.done <- s.data.View(context.Background(), func(r kv.Reader) error {
			snap.Reader = r
			close(ready)
			<-snap.end
			return nil
		})
	}()
	<-ready
	return snap, nil
}

func (s *snapshot) Close() error { close(s.end); return <-s.done }

func (s *slowStore) Apply(ws *txn.Writes) error {
	time.Sleep(s.sync)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches = append(s.batches, ws.Len())
	if s.panics {
		panic("bug in the database")
	}
	if s.fail != nil {
		return s.fail
	}
	return s.data.Update(context.Background(), func(tx kv.Tx) error {
		for w := range ws.All() {
			var err error
			if w.Delete {
				err = tx.Delete(w.Bucket, w.Key)
			} else {
				err = tx.Put(w.Bucket, w.Key, w.Value)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *slowStore) Close() error { return s.data.Close() }

func (s *slowStore) failNext(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

// TestConformance runs the suite with syncs that take a while, so that batches
// fill and overlap.
func TestConformance(t *testing.T) {
	kvtest.Run(t, func(testing.TB, string) kv.Engine { return groupcommit.New(newSlowStore(time.Millisecond)) },
		kvtest.Options{Volatile: true})
}

func insert(e kv.Engine, key string) error {
	return e.Update(context.Background(), func(tx kv.Tx) error { return tx.Insert("b", []byte(key), nil) })
}

func TestUpdatesShareSyncs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 100
		s := newSlowStore(time.Second)
		e := groupcommit.New(s)
		start := time.Now()
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				if err := insert(e, fmt.Sprint(i)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		// The first batch takes who came first, the second all others.
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("%d Updates took %v, batches of %v", n, d, s.batches)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestNothingBeforeItsSync: neither an Update, nor one that only read what
// another wrote, nor the refusal of a conflicting one, is answered before the
// sync; a View does not see the write before it either.
func TestNothingBeforeItsSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := groupcommit.New(newSlowStore(time.Second))
		start := time.Now()
		var wg sync.WaitGroup
		after := func(name string, f func() error, want error) {
			err := f()
			if !errors.Is(err, want) {
				t.Errorf("%s = %v, want %v", name, err, want)
			}
			if d := time.Since(start); d < time.Second {
				t.Errorf("%s answered after %v, before the sync", name, d)
			}
		}
		wg.Go(func() { after("writer", func() error { return insert(e, "k") }, nil) })
		synctest.Wait() // the batch is under way
		wg.Go(func() {
			after("reader", func() error {
				return e.Update(context.Background(), func(tx kv.Tx) error { _, err := tx.Get("b", []byte("k")); return err })
			}, nil)
		})
		wg.Go(func() { after("second writer", func() error { return insert(e, "k") }, kv.ErrExists) })
		err := e.View(context.Background(), func(r kv.Reader) error { _, err := r.Get("b", []byte("k")); return err })
		if !errors.Is(err, kv.ErrNotFound) {
			t.Errorf("View before the sync = %v, want ErrNotFound", err)
		}
		wg.Wait()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestContextEndsDuringSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := groupcommit.New(newSlowStore(time.Minute))
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		err := e.Update(ctx, func(tx kv.Tx) error { return tx.Put("b", []byte("k"), nil) })
		if !errors.Is(err, kv.ErrInDoubt) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Update = %v, want ErrInDoubt and DeadlineExceeded", err)
		}
		if err := e.Close(); err != nil { // waits for the batch
			t.Error(err)
		}
	})
}

func TestFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := errors.New("disk is on fire")
		s := newSlowStore(time.Second)
		e := groupcommit.New(s)
		defer e.Close()
		if err := insert(e, "durable"); err != nil {
			t.Fatal(err)
		}
		s.failNext(disk)
		var wg sync.WaitGroup
		check := func(name string, err error, want ...error) {
			for _, w := range want {
				if !errors.Is(err, w) {
					t.Errorf("%s = %v, want %v", name, err, w)
				}
			}
		}
		wg.Go(func() { check("flying", insert(e, "flying"), disk, kv.ErrInDoubt, kv.ErrReadOnly) })
		synctest.Wait()
		wg.Go(func() {
			err := insert(e, "filling")
			check("filling", err, disk, kv.ErrReadOnly)
			if errors.Is(err, kv.ErrInDoubt) {
				t.Errorf("an Update that was never written is in doubt: %v", err)
			}
		})
		wg.Go(func() {
			check("reader of the flying batch", e.Update(context.Background(), func(tx kv.Tx) error {
				_, err := tx.Get("b", []byte("flying"))
				return err
			}), disk)
		})
		wg.Wait()
		s.failNext(nil) // the store seems to work again, but who knows
		check("later", insert(e, "later"), disk, kv.ErrReadOnly)
		err := e.View(context.Background(), func(r kv.Reader) error {
			if _, err := r.Get("b", []byte("durable")); err != nil {
				return err
			}
			for _, k := range []string{"flying", "filling", "later"} {
				if _, err := r.Get("b", []byte(k)); !errors.Is(err, kv.ErrNotFound) {
					t.Errorf("View sees %s: %v", k, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Errorf("View after the failure = %v", err)
		}
		if n := len(s.batches); n != 2 {
			t.Errorf("%d batches reached the store, want none after the failure", n)
		}
	})
}

func TestPanicOfTheStore(t *testing.T) {
	s := newSlowStore(0)
	s.panics = true
	e := groupcommit.New(s)
	defer e.Close()
	if err := insert(e, "k"); !errors.Is(err, kv.ErrInDoubt) {
		t.Errorf("Update = %v, want ErrInDoubt", err)
	}
	if err := insert(e, "k"); !errors.Is(err, kv.ErrReadOnly) {
		t.Errorf("Update after it = %v, want ErrReadOnly", err)
	}
}

// TestBoundedBatch: writers wait rather than fill memory while a sync takes long.
func TestBoundedBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlowStore(time.Second)
		e := groupcommit.New(s)
		var wg sync.WaitGroup
		value := make([]byte, 512<<10)
		for i := range 32 {
			wg.Go(func() {
				if err := e.Update(context.Background(), func(tx kv.Tx) error { return tx.Put("b", fmt.Append(nil, i), value) }); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, n := range s.batches {
			if n > 3 { // a batch that has 1 MiB takes no more
				t.Errorf("a batch of %d × 512 KiB: %v", n, s.batches)
			}
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
}
