package store_test

import (
	"errors"
	"testing"
	"time"

	"stepca/ca"
	"stepca/store"
)

func TestRevokeOnce(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{})
	mustRecord(t, s, certificate(clk, 5))
	rev := &ca.Revocation{Serial: "5", Issuer: "other", ReasonCode: 1, Reason: "lost", By: "token"}
	stored, err := s.Revoke(t.Context(), rev, &ca.OneTimeID{ID: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if want := clk.Now().Add(24 * time.Hour); !stored.ExpiresAt.Equal(want) || stored.Issuer != "default" || !stored.RevokedAt.Equal(clk.Now()) {
		t.Errorf("stored %+v, want expiry and issuer of the certificate", stored)
	}
	got, err := s.Revoked(t.Context(), bigInt(5))
	if err != nil || got == nil || *got != *stored {
		t.Errorf("Revoked = %+v, %v, want %+v", got, err, stored)
	}
	if rev, err := s.Revoked(t.Context(), bigInt(6)); rev != nil || err != nil {
		t.Errorf("Revoked of another = %v, %v, want nothing", rev, err)
	}

	_, err = s.Revoke(t.Context(), rev, &ca.OneTimeID{ID: "b"})
	if want := "certificate with serial number '5' is already revoked"; !errors.Is(err, ca.ErrAlreadyRevoked) || err.Error() != want {
		t.Errorf("revoking again: %v, want %s", err, want)
	}
	if err := s.SpendToken(t.Context(), &ca.OneTimeID{ID: "b"}); err != nil {
		t.Errorf("token of the refused revocation: %v, want it unspent", err)
	}
	if _, err := s.Revoke(t.Context(), &ca.Revocation{Serial: "6"}, &ca.OneTimeID{ID: "a"}); !errors.Is(err, store.ErrTokenUsed) {
		t.Errorf("revoking with a spent token: %v, want ErrTokenUsed", err)
	}
}

func TestRevocationIndexes(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{})
	begin := clk.Now()
	for _, rev := range []*ca.Revocation{
		{Serial: "1", Issuer: "a", ReasonCode: 4, ExpiresAt: begin.Add(time.Hour)},
		{Serial: "2", Issuer: "b", ExpiresAt: begin.Add(3 * time.Hour)},
		{Serial: "3", Issuer: "a"},
	} {
		if _, err := s.Revoke(t.Context(), rev, nil); err != nil {
			t.Fatal(err)
		}
		clk.Advance(time.Minute)
	}
	var loaded []store.RevokedEntry
	if err := s.LoadRevoked(t.Context(), begin.Add(2*time.Hour), func(e store.RevokedEntry) { loaded = append(loaded, e) }); err != nil {
		t.Fatal(err)
	}
	if len(loaded) != 2 || loaded[0].Serial[0] != 2 || loaded[1].Serial[0] != 3 || !loaded[1].ExpiresAt.IsZero() {
		t.Errorf("loaded %+v, want 2 and, without an end, 3", loaded)
	}
	var since []store.RevokedEntry
	if err := s.RevokedSince(t.Context(), begin.Add(time.Minute), func(e store.RevokedEntry) { since = append(since, e) }); err != nil {
		t.Fatal(err)
	}
	if len(since) != 2 || since[0].Serial[0] != 2 || since[1].Serial[0] != 3 {
		t.Fatalf("since a minute: %+v, want 2, 3", since)
	}
	want := store.RevokedEntry{
		Serial: []byte{2}, Issuer: store.HashIssuer("b"), RevokedAt: begin.Add(time.Minute),
		RecordedAt: begin.Add(time.Minute), ExpiresAt: begin.Add(3 * time.Hour),
	}
	if got := since[0]; got.Issuer != want.Issuer || !got.RevokedAt.Equal(want.RevokedAt) ||
		!got.RecordedAt.Equal(want.RecordedAt) || !got.ExpiresAt.Equal(want.ExpiresAt) {
		t.Errorf("entry %+v, want %+v", got, want)
	}
	page, next, err := s.Revocations(t.Context(), store.Page{Limit: 2})
	if err != nil || len(page) != 2 || page[0].Serial != "3" || page[1].Serial != "2" || next == "" {
		t.Errorf("Revocations = %v, %q, %v, want 3, 2 and more", page, next, err)
	}
}

func TestCRLNumbersNeverRepeat(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{})
	for i, issuer := range []string{"a", "a", "b", "a"} {
		want := [...]int64{0, 1, 0, 2}[i]
		n, err := s.NextCRL(t.Context(), issuer, clk.Now(), clk.Now().Add(time.Hour))
		if err != nil || n != want {
			t.Errorf("number %d of issuer %s = %d, %v, want %d", i, issuer, n, err, want)
		}
	}
}
