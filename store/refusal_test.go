package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"stepca/ca"
	"stepca/store"
)

// runToEnd runs the store's background work on what is queued.
func runToEnd(t *testing.T, s *store.Store) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestRefusalsAreKeptAndBounded(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t, store.Options{})
	s.RecordRefusal(&store.Refusal{Operation: ca.SignX509, Reason: strings.Repeat("x", 5000), Names: make([]ca.Identifier, 50)})
	runToEnd(t, s)
	page, _, err := s.Refusals(t.Context(), store.Page{})
	if err != nil || len(page) != 1 {
		t.Fatalf("Refusals = %v, %v, want one", page, err)
	}
	if r := page[0]; len(r.Reason) != store.MaxRefusalText || len(r.Names) != store.MaxRefusalNames || r.Time.IsZero() {
		t.Errorf("refusal has a reason of %d octets, %d names, time %v", len(r.Reason), len(r.Names), r.Time)
	}
}

func TestRefusalsNeverBlock(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t, store.Options{})
	const asked = 5000
	for i := range asked { // nobody writes meanwhile
		s.RecordRefusal(&store.Refusal{Reason: fmt.Sprint(i)})
	}
	runToEnd(t, s)
	kept := 0
	for p := (store.Page{Limit: store.MaxLimit}); ; {
		page, next, err := s.Refusals(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		kept += len(page)
		if p.Cursor = next; next == "" {
			break
		}
	}
	if missed := s.RefusalsMissed(); kept == 0 || int64(kept)+missed != asked || missed == 0 {
		t.Errorf("%d kept and %d missed of %d", kept, missed, asked)
	}
}
