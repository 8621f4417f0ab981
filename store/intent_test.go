package store_test

import (
	"errors"
	"testing"

	"stepca/ca"
	"stepca/store"
)

func TestIntentSpendsTheTokenUntilItIsClosed(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{})
	intent := func(serial string) *store.Intent {
		return &store.Intent{Serial: serial, Issuer: "default", TBS: []byte("tbs"), OneTime: &ca.OneTimeID{ID: "jti", Expires: clk.Now()}}
	}
	if err := s.OpenIntent(t.Context(), intent("1")); err != nil {
		t.Fatal(err)
	}
	if err := s.OpenIntent(t.Context(), intent("2")); !errors.Is(err, store.ErrTokenUsed) {
		t.Errorf("second intent with the token: %v, want ErrTokenUsed", err)
	}
	open, _, err := s.Intents(t.Context(), store.Page{})
	if err != nil || len(open) != 1 || open[0].Serial != "1" || string(open[0].TBS) != "tbs" {
		t.Fatalf("open intents: %v, %v, want that of serial number 1", open, err)
	}
	if err := s.CloseIntent(t.Context(), intent("1")); err != nil {
		t.Fatal(err)
	}
	if err := s.OpenIntent(t.Context(), intent("3")); err != nil {
		t.Errorf("after the first was closed: %v, want the token unspent", err)
	}
}

func TestIntentBeginsTheOrder(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{})
	if err := s.InsertOrder(t.Context(), order(clk, "one"), nil, nil); err != nil {
		t.Fatal(err)
	}
	refusal := errors.New("another server signs")
	up := &store.ACMEOrderUpdate{ID: id("one", ""), Nonce: nonce("n"), Apply: func(*store.ACMEOrder) error { return refusal }}
	in := &store.Intent{Serial: "1", OneTime: &ca.OneTimeID{ID: "jti"}, Order: up}
	if err := s.OpenIntent(t.Context(), in); !errors.Is(err, refusal) {
		t.Errorf("OpenIntent = %v, want the order's refusal", err)
	}
	if open, _, err := s.Intents(t.Context(), store.Page{}); err != nil || len(open) != 0 {
		t.Errorf("open intents after the refusal: %v, %v", open, err)
	}
	up.Apply = setData(`{"status":"claimed"}`)
	if err := s.OpenIntent(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if o, err := s.Order(t.Context(), up.ID); err != nil || string(o.Data) != `{"status":"claimed"}` {
		t.Errorf("order = %s, %v, want it claimed", o.Data, err)
	}
	if err := s.OpenIntent(t.Context(), &store.Intent{Serial: "2", Order: up}); !errors.Is(err, store.ErrNonceUsed) {
		t.Errorf("OpenIntent with a used nonce = %v, want ErrNonceUsed", err)
	}
}

func TestRecordClosesTheIntent(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{})
	in := &store.Intent{Serial: "1", OneTime: &ca.OneTimeID{ID: "jti"}}
	if err := s.OpenIntent(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	// An upstream CA chose its own serial number.
	if err := s.Record(t.Context(), &store.Issuance{Certificate: certificate(clk, 99), Intent: in}); err != nil {
		t.Fatal(err)
	}
	if open, _, err := s.Intents(t.Context(), store.Page{}); err != nil || len(open) != 0 {
		t.Errorf("open intents: %v, %v, want none", open, err)
	}
	if err := s.SpendToken(t.Context(), in.OneTime); !errors.Is(err, store.ErrTokenUsed) {
		t.Errorf("the token after its certificate: %v, want ErrTokenUsed", err)
	}
	if err := s.OpenIntent(t.Context(), &store.Intent{Serial: "99"}); !errors.Is(err, store.ErrSerialExists) {
		t.Errorf("an intent for an issued serial number: %v, want ErrSerialExists", err)
	}
}
