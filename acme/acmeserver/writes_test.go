package acmeserver_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"

	"stepca/kv"
	"stepca/kv/mem"
)

// countedEngine counts durable writes.
type countedEngine struct {
	kv.Engine
	writes *atomic.Int64
}

func (e countedEngine) Update(ctx context.Context, f func(kv.Tx) error) error {
	e.writes.Add(1)
	return e.Engine.Update(ctx, f)
}

// TestFlowMakesFourWrites counts those of a client's way to a certificate: account,
// order, challenge, certificate. A validation that takes long makes one more, as on a
// busy machine: the best of some counts.
func TestFlowMakesFourWrites(t *testing.T) {
	t.Parallel()
	writes := new(atomic.Int64)
	c := newCAWith(t, new(validator), withCAA, onEngine(countedEngine{mem.New(), writes}))
	var took []int64
	for range 5 {
		before := writes.Load()
		newClient(t, c).register().issue("a.example")
		took = append(took, writes.Load()-before)
	}
	if slices.Min(took) != 4 {
		t.Errorf("certificates took %d writes, want 4", took)
	}
}
