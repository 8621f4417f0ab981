package store

import (
	"errors"
	"testing"

	"stepca/ca"
	"stepca/kv/mem"
)

func TestTroubleHasAKind(t *testing.T) {
	t.Parallel()
	engine := mem.New()
	s := New(engine, Options{})
	if err := engine.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.SpendToken(t.Context(), &ca.OneTimeID{ID: "x"}); !errors.Is(err, ca.ErrUnavailable) {
		t.Errorf("spending a token in a closed store: %v, want ca.ErrUnavailable", err)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, ca.ErrUnavailable) {
		t.Errorf("Ping of a closed store: %v, want ca.ErrUnavailable", err)
	}
}
