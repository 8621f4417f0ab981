package store_test

import (
	"testing"
	"time"

	"stepca/ca"
	"stepca/store"
)

func TestAuthorizationsWithoutAnOrder(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{Retention: store.Retention{Orders: time.Hour}})
	a, b := ca.Identifier{Type: ca.DNS, Value: "a.example"}, ca.Identifier{Type: ca.IP, Value: "192.0.2.1"}
	insert := func(name, account string, authorizes *ca.Identifier) {
		o := order(clk, name)
		o.AccountID, o.Authorizes = account, authorizes
		if err := s.InsertOrder(t.Context(), o, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	find := func(account string, want ...string) {
		t.Helper()
		found, err := s.Authorizations(t.Context(), account, []ca.Identifier{a, b})
		if err != nil || len(found) != 2 {
			t.Fatalf("Authorizations(%s) = %v, %v", account, found, err)
		}
		for i, o := range found {
			got := ""
			if o != nil {
				got = o.ID
			}
			if got != want[i] {
				t.Errorf("authorization %d of %s is %q, want %q", i, account, got, want[i])
			}
		}
	}
	find("acc", "", "")
	insert("order", "acc", nil)
	insert("other", "acc2", &a)
	find("acc", "", "")
	insert("old", "acc", &a)
	insert("ip", "acc", &b)
	find("acc", id("old", ""), id("ip", ""))
	clk.Advance(time.Hour)
	insert("new", "acc", &a)
	find("acc", id("new", ""), id("ip", ""))

	_, err := s.UpdateOrder(t.Context(), id("new", ""), nil, func(o *store.ACMEOrder) error {
		o.Authorizes = nil
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	clk.Advance(24*time.Hour + time.Minute) // all but the newest are old
	if n, err := s.Clean(t.Context()); err != nil || n != 4 {
		t.Errorf("Clean = %d, %v, want 4", n, err)
	}
	find("acc", id("new", ""), "")
	find("acc2", "", "")
	clk.Advance(time.Hour)
	if n, err := s.Clean(t.Context()); err != nil || n != 1 {
		t.Errorf("Clean = %d, %v, want 1", n, err)
	}
	find("acc", "", "")
}
