package kvtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"stepca/kv"
)

var errMine = errors.New("error of the function")

func testRollback(t *testing.T, e kv.Engine) {
	put(t, e, "b", "k", "old")
	err := e.Update(context.Background(), func(tx kv.Tx) error {
		if err := errors.Join(tx.Put("b", []byte("k"), []byte("new")), tx.Insert("b", []byte("l"), nil), tx.Delete("b", []byte("m"))); err != nil {
			return err
		}
		return errMine
	})
	if err != errMine {
		t.Errorf("Update() = %v, want the error of the function unchanged", err)
	}
	wantValue(t, e, "b", "k", "old")
	wantValue(t, e, "b", "l", absent)
	if err := e.View(context.Background(), func(kv.Reader) error { return errMine }); err != errMine {
		t.Errorf("View() = %v, want the error of the function unchanged", err)
	}
}

func testPanic(t *testing.T, e kv.Engine) {
	put(t, e, "b", "k", "old")
	mustPanic := func(name string, f func()) {
		t.Helper()
		defer func() {
			if r := recover(); r != "mine" {
				t.Errorf("%s recovered %v, want the panic of the function", name, r)
			}
		}()
		f()
	}
	mustPanic("Update", func() {
		_ = e.Update(context.Background(), func(tx kv.Tx) error {
			_ = tx.Put("b", []byte("k"), []byte("new"))
			panic("mine")
		})
	})
	mustPanic("View", func() {
		_ = e.View(context.Background(), func(kv.Reader) error { panic("mine") })
	})
	wantValue(t, e, "b", "k", "old")
	put(t, e, "b", "k", "later") // and the engine works on
	wantValue(t, e, "b", "k", "later")
}

// testEnded: a transaction kept beyond its function fails and does no harm.
func testEnded(t *testing.T, e kv.Engine) {
	put(t, e, "b", "k", "v")
	var tx kv.Tx
	var r kv.Reader
	update(t, e, func(in kv.Tx) error { tx = in; return nil })
	view(t, e, func(in kv.Reader) error { r = in; return nil })
	for name, f := range map[string]func() error{
		"Tx.Get":     func() error { _, err := tx.Get("b", []byte("k")); return err },
		"Tx.Scan":    func() error { _, err := scan(tx, "b", kv.Range{}); return err },
		"Tx.Put":     func() error { return tx.Put("b", []byte("k"), nil) },
		"Tx.Insert":  func() error { return tx.Insert("b", []byte("l"), nil) },
		"Tx.Delete":  func() error { return tx.Delete("b", []byte("k")) },
		"Reader.Get": func() error { _, err := r.Get("b", []byte("k")); return err },
		"Reader.Scan": func() error {
			_, err := scan(r, "b", kv.Range{})
			return err
		},
	} {
		if err := f(); err == nil || errors.Is(err, kv.ErrNotFound) {
			t.Errorf("%s after the end = %v, want an error that says so", name, err)
		}
	}
	wantValue(t, e, "b", "k", "v")
}

// testSnapshot: a View sees nothing of what is committed after it began, and
// does not hold up those commits.
func testSnapshot(t *testing.T, e kv.Engine) {
	put(t, e, "b", "changes", "old", "goes", "old")
	view(t, e, func(r kv.Reader) error {
		if err := expect(r, "b", "changes", "old"); err != nil {
			return err
		}
		done := make(chan error, 1)
		go func() {
			done <- e.Update(context.Background(), func(tx kv.Tx) error {
				return errors.Join(
					tx.Put("b", []byte("changes"), []byte("new")),
					tx.Delete("b", []byte("goes")),
					tx.Insert("b", []byte("comes"), []byte("new")))
			})
		}()
		select {
		case err := <-done:
			if err != nil {
				return err
			}
		case <-time.After(20 * time.Second):
			return errors.New("an Update waits for a View to end")
		}
		if err := errors.Join(
			expect(r, "b", "changes", "old"),
			expect(r, "b", "goes", "old"),
			expect(r, "b", "comes", absent),
		); err != nil {
			return err
		}
		got, err := scan(r, "b", kv.Range{})
		if err == nil && len(got) != 2 {
			t.Errorf("Scan in the View = %q, want the two old entries", got)
		}
		return err
	})
	wantValue(t, e, "b", "changes", "new")
	wantValue(t, e, "b", "goes", absent)
	wantValue(t, e, "b", "comes", "new")
}

func testCancel(t *testing.T, e kv.Engine) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := e.View(ended, func(kv.Reader) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("View with an ended context = %v, want context.Canceled", err)
	}
	if err := e.Update(ended, func(kv.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Update with an ended context = %v, want context.Canceled", err)
	}
	// A context that ends while the function runs commits nothing.
	ctx, cancel := context.WithCancel(context.Background())
	err := e.Update(ctx, func(tx kv.Tx) error {
		err := tx.Put("b", []byte("k"), []byte("v"))
		cancel()
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Update with a context that ended meanwhile = %v, want context.Canceled", err)
	}
	wantValue(t, e, "b", "k", absent)
}

func testCancelScan(t *testing.T, e kv.Engine) {
	update(t, e, func(tx kv.Tx) error {
		for i := range 1000 {
			if err := tx.Put("b", []byte{1, byte(i >> 8), byte(i)}, nil); err != nil {
				return err
			}
		}
		return nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n := 0
	err := e.View(ctx, func(r kv.Reader) error {
		for _, err := range r.Scan("b", kv.Range{}) {
			if err != nil {
				return err
			}
			n++
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || n == 1000 {
		t.Errorf("Scan went on for %d entries after the context ended: %v", n, err)
	}
}
