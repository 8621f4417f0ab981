package kvtest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"stepca/kv"
)

// UntilFailure writes to e, whose disk is about to fail, until an Update fails,
// and checks what is promised then: the failure is kv.ErrInDoubt or
// kv.ErrReadOnly, later Updates get kv.ErrReadOnly, Views go on and see all that
// was acknowledged. It returns the keys that were acknowledged, and closes e.
func UntilFailure(t *testing.T, e kv.Engine) []string {
	t.Helper()
	const writers = 8
	acknowledged := make([][]string, writers)
	errs := together(writers, func(w int) error {
		for i := range 100_000 {
			key := fmt.Sprintf("%d/%d", w, i)
			value := []byte(fmt.Sprintf("%2000d", i))
			if err := e.Update(context.Background(), func(tx kv.Tx) error { return tx.Insert("b", []byte(key), value) }); err != nil {
				return err
			}
			acknowledged[w] = append(acknowledged[w], key)
		}
		return nil
	})
	var all []string
	for w, err := range errs {
		if !errors.Is(err, kv.ErrInDoubt) && !errors.Is(err, kv.ErrReadOnly) {
			t.Errorf("Update on a failing disk = %v, want ErrInDoubt or ErrReadOnly", err)
		}
		all = append(all, acknowledged[w]...)
	}
	err := e.Update(context.Background(), func(tx kv.Tx) error { return tx.Put("b", []byte("later"), nil) })
	if !errors.Is(err, kv.ErrReadOnly) || errors.Is(err, kv.ErrInDoubt) {
		t.Errorf("Update after the failure = %v, want ErrReadOnly", err)
	}
	t.Logf("%d Updates before: %v", len(all), err)
	Has(t, e, all)
	_ = e.Close() // which may fail, but returns
	return all
}

// Has fails the test unless the keys are in bucket b.
func Has(t *testing.T, e kv.Engine, keys []string) {
	t.Helper()
	stored := map[string]bool{}
	view(t, e, func(r kv.Reader) error {
		for en, err := range r.Scan("b", kv.Range{}) {
			if err != nil {
				return err
			}
			stored[string(en.Key)] = true
		}
		return nil
	})
	lost := 0
	for _, k := range keys {
		if !stored[k] {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d acknowledged keys are lost", lost, len(keys))
	}
}
