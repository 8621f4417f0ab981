package kvtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stepca/kv"
)

// together runs n functions at once and returns their errors.
func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	return errs
}

func noErrors(t *testing.T, errs []error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func increment(tx kv.Tx, bucket, key string) error {
	old, err := get(tx, bucket, key)
	if err != nil {
		return err
	}
	n := 0
	if old != absent {
		if n, err = strconv.Atoi(old); err != nil {
			return err
		}
	}
	return tx.Put(bucket, []byte(key), []byte(strconv.Itoa(n+1)))
}

func testCounter(t *testing.T, e kv.Engine) {
	const goroutines, rounds = 8, 10
	noErrors(t, together(goroutines, func(int) error {
		for range rounds {
			err := e.Update(context.Background(), func(tx kv.Tx) error { return increment(tx, "b", "counter") })
			if err != nil {
				return err
			}
		}
		return nil
	}))
	wantValue(t, e, "b", "counter", strconv.Itoa(goroutines*rounds))
}

func testInsertOnce(t *testing.T, e kv.Engine) {
	const goroutines, rounds = 16, 5
	for round := range rounds {
		key := fmt.Appendf(nil, "token %d", round)
		var winners atomic.Int32
		var winner atomic.Int32
		noErrors(t, together(goroutines, func(i int) error {
			err := e.Update(context.Background(), func(tx kv.Tx) error {
				if err := tx.Insert("tokens", key, []byte(strconv.Itoa(i))); err != nil {
					return err
				}
				return tx.Put("certs", fmt.Appendf(nil, "%d/%d", round, i), nil)
			})
			if errors.Is(err, kv.ErrExists) {
				return nil
			}
			if err == nil {
				winners.Add(1)
				winner.Store(int32(i))
			}
			return err
		}))
		if n := winners.Load(); n != 1 {
			t.Errorf("round %d: %d of %d Inserts of one key succeeded", round, n, goroutines)
		}
		wantValue(t, e, "tokens", string(key), strconv.Itoa(int(winner.Load())))
		view(t, e, func(r kv.Reader) error {
			got, err := scan(r, "certs", kv.Prefix(fmt.Appendf(nil, "%d/", round)))
			if want := fmt.Sprintf("%d/%d=", round, winner.Load()); err == nil && (len(got) != 1 || got[0] != want) {
				t.Errorf("round %d: records %q, want that of the winner, %s", round, got, want)
			}
			return err
		})
	}
}

// meet lets transactions that can run side by side do so: it returns when both
// have called it, or after a while, as engines that run one at a time need.
type meet struct{ arrived [2]chan struct{} }

func newMeet() *meet {
	return &meet{[2]chan struct{}{make(chan struct{}), make(chan struct{})}}
}

// wait is called once by each side, 0 and 1.
func (m *meet) wait(side int) {
	close(m.arrived[side])
	select {
	case <-m.arrived[1-side]:
	case <-time.After(30 * time.Millisecond):
	}
}

// skew runs two Updates that each read the key the other writes, and write only
// if it is still as it was. If both committed, one of them acted on a key that
// had changed.
func skew(t *testing.T, e kv.Engine, round int, before string, write func(tx kv.Tx, key []byte) error) {
	t.Helper()
	keys := []string{fmt.Sprintf("%d left", round), fmt.Sprintf("%d right", round)}
	m := newMeet()
	var wrote [2]bool
	noErrors(t, together(2, func(i int) error {
		first := true
		return e.Update(context.Background(), func(tx kv.Tx) error {
			wrote[i] = false
			other, err := get(tx, "b", keys[1-i])
			if err != nil {
				return err
			}
			if first {
				first = false
				m.wait(i)
			}
			if other != before {
				return nil
			}
			wrote[i] = true
			return write(tx, []byte(keys[i]))
		})
	}))
	if wrote[0] == wrote[1] {
		t.Errorf("round %d: wrote = %v, want exactly one", round, wrote)
	}
}

func testWriteSkewPresent(t *testing.T, e kv.Engine) {
	for round := range 3 {
		put(t, e, "b", fmt.Sprintf("%d left", round), "on call", fmt.Sprintf("%d right", round), "on call")
		skew(t, e, round, "on call", func(tx kv.Tx, key []byte) error { return tx.Put("b", key, []byte("off")) })
	}
	for round := range 3 {
		put(t, e, "b", fmt.Sprintf("%d left", round), "on call", fmt.Sprintf("%d right", round), "on call")
		skew(t, e, round, "on call", func(tx kv.Tx, key []byte) error { return tx.Delete("b", key) })
	}
}

func testWriteSkewAbsent(t *testing.T, e kv.Engine) {
	for round := range 3 {
		skew(t, e, round, absent, func(tx kv.Tx, key []byte) error { return tx.Put("b", key, []byte("here")) })
	}
	for round := range 3 {
		skew(t, e, round+10, absent, func(tx kv.Tx, key []byte) error { return tx.Insert("b", key, []byte("here")) })
	}
}

// testScannedKeyChanges: a key that a scan yielded counts as read.
func testScannedKeyChanges(t *testing.T, e kv.Engine) {
	put(t, e, "b", "x", "1", "y", "1")
	m := newMeet()
	noErrors(t, together(2, func(i int) error {
		first := true
		return e.Update(context.Background(), func(tx kv.Tx) error {
			all, err := scan(tx, "b", kv.Range{})
			if err != nil {
				return err
			}
			if first {
				first = false
				m.wait(i)
			}
			if fmt.Sprint(all) != "[x=1 y=1]" {
				return nil
			}
			return tx.Put("b", []byte{"xy"[i]}, []byte("0"))
		})
	}))
	view(t, e, func(r kv.Reader) error {
		got, err := scan(r, "b", kv.Range{})
		if s := fmt.Sprint(got); err == nil && s != "[x=0 y=1]" && s != "[x=1 y=0]" {
			t.Errorf("after two Updates that need both entries untouched: %s", s)
		}
		return err
	})
}

// testFailuresAmongSuccesses: transactions that share a commit succeed and fail
// each on its own.
func testFailuresAmongSuccesses(t *testing.T, e kv.Engine) {
	const n = 40
	errs := together(n, func(i int) (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = errMine
			}
		}()
		return e.Update(context.Background(), func(tx kv.Tx) error {
			for part := range 3 {
				if err := tx.Put("b", fmt.Appendf(nil, "%02d/%d", i, part), nil); err != nil {
					return err
				}
			}
			switch i % 4 {
			case 1:
				return errMine
			case 2:
				panic("mine")
			}
			return nil
		})
	})
	for i, err := range errs {
		fails := i%4 == 1 || i%4 == 2
		if fails && err != errMine || !fails && err != nil {
			t.Errorf("Update %d = %v", i, err)
		}
		want := 3
		if fails {
			want = 0
		}
		view(t, e, func(r kv.Reader) error {
			got, err := scan(r, "b", kv.Prefix(fmt.Appendf(nil, "%02d/", i)))
			if err == nil && len(got) != want {
				t.Errorf("Update %d left %q, want %d entries", i, got, want)
			}
			return err
		})
	}
}

// testViewsAreWhole: money moves between accounts while Views add them up.
func testViewsAreWhole(t *testing.T, e kv.Engine) {
	put(t, e, "b", "a", "50", "b", "50")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cancel()
		for i := range 40 {
			if err := e.Update(context.Background(), func(tx kv.Tx) error {
				return errors.Join(
					tx.Put("b", []byte("a"), []byte(strconv.Itoa(50+i))),
					tx.Put("b", []byte("b"), []byte(strconv.Itoa(50-i))))
			}); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 2 {
		wg.Go(func() {
			for ctx.Err() == nil {
				err := e.View(context.Background(), func(r kv.Reader) error {
					a, err1 := get(r, "b", "a")
					b, err2 := get(r, "b", "b")
					x, err3 := strconv.Atoi(a)
					y, err4 := strconv.Atoi(b)
					if x+y != 100 {
						t.Errorf("View sees %s and %s, which are of two states", a, b)
					}
					return errors.Join(err1, err2, err3, err4)
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
