package kvtest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"stepca/kv"
)

func testClose(t *testing.T, e kv.Engine) {
	put(t, e, "b", "k", "v")
	closeEngine(t, e)
	if err := e.View(context.Background(), func(kv.Reader) error { return nil }); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("View after Close = %v, want ErrClosed", err)
	}
	if err := e.Update(context.Background(), func(kv.Tx) error { return nil }); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("Update after Close = %v, want ErrClosed", err)
	}
	closeEngine(t, e) // a second time does nothing
}

// testCloseWaits closes under load: what was acknowledged happened, the rest
// got ErrClosed.
func testCloseWaits(t *testing.T, e kv.Engine) {
	inside, leave := make(chan struct{}), make(chan struct{})
	viewed := make(chan error, 1)
	go func() {
		viewed <- e.View(context.Background(), func(r kv.Reader) error {
			close(inside)
			<-leave
			return expect(r, "b", "k", absent)
		})
	}()
	<-inside
	closed := make(chan error, 1)
	go func() { closed <- e.Close() }()
	errs := together(8, func(i int) error {
		for j := 0; ; j++ {
			err := e.Update(context.Background(), func(tx kv.Tx) error {
				return tx.Put("b", fmt.Appendf(nil, "%d/%d", i, j), nil)
			})
			if err != nil {
				return err
			}
		}
	})
	for _, err := range errs {
		if !errors.Is(err, kv.ErrClosed) {
			t.Errorf("Update while closing = %v, want ErrClosed", err)
		}
	}
	select {
	case err := <-closed:
		t.Errorf("Close returned (%v) before the View ended", err)
	case <-time.After(20 * time.Millisecond):
	}
	close(leave)
	if err := <-viewed; err != nil {
		t.Errorf("View during Close = %v", err)
	}
	if err := <-closed; err != nil {
		t.Errorf("Close = %v", err)
	}
}

// testRestart: all that was committed, and nothing else, is there after the
// store was closed and opened again, several times over.
func testRestart(t *testing.T, open Open) {
	dir := t.TempDir()
	want := ""
	for round := range 3 {
		e := open(t, dir)
		wantValue(t, e, "b", "k", map[bool]string{true: absent, false: want}[round == 0])
		want = fmt.Sprintf("round %d", round)
		put(t, e, "b", "k", want, want, "kept", "gone", "v")
		update(t, e, func(tx kv.Tx) error { return tx.Delete("b", []byte("gone")) })
		_ = e.Update(context.Background(), func(tx kv.Tx) error {
			_ = tx.Put("b", []byte("k"), []byte("never committed"))
			return errMine
		})
		closeEngine(t, e)
	}
	e := open(t, dir)
	defer closeEngine(t, e)
	view(t, e, func(r kv.Reader) error {
		got, err := scan(r, "b", kv.Range{})
		if s := fmt.Sprint(got); err == nil && s != "[k=round 2 round 0=kept round 1=kept round 2=kept]" {
			t.Errorf("after restarts: %s", s)
		}
		return err
	})
}
