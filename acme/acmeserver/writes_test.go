package acmeserver_test

import (
	"context"
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
// order, challenge, certificate.
func TestFlowMakesFourWrites(t *testing.T) {
	t.Parallel()
	writes := new(atomic.Int64)
	c := newCAWith(t, new(validator), withCAA, onEngine(countedEngine{mem.New(), writes}))
	before := writes.Load()
	newClient(t, c).register().issue("a.example")
	if n := writes.Load() - before; n != 4 {
		t.Errorf("a certificate took %d writes, want 4", n)
	}
}
