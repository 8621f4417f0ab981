package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"stepca/ca"
	"stepca/store"
)

// id returns an ACME ID of 32 characters that begins with that of its order.
func id(order, rest string) string {
	s := order + strings.Repeat("0", store.ACMEIDPrefix-len(order)) + rest
	return s + strings.Repeat("z", 32-len(s))
}

func order(clk *clock, name string) *store.ACMEOrder {
	return &store.ACMEOrder{
		ID: id(name, ""), AccountID: "acc", CreatedAt: clk.Now(),
		ExpiresAt: clk.Now().Add(24 * time.Hour), Data: json.RawMessage(`{"status":"pending"}`),
	}
}

func nonce(s string) *ca.OneTimeID { return &ca.OneTimeID{ID: s} }

func setData(data string) func(*store.ACMEOrder) error {
	return func(o *store.ACMEOrder) error {
		o.Data = json.RawMessage(data)
		return nil
	}
}

func TestOrderIsFoundByItsPartsAndAliases(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{})
	o := order(clk, "one")
	o.Aliases = []string{"authzOfAnImport"}
	if err := s.InsertOrder(t.Context(), o, nonce("n1"), nil); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{o.ID, id("one", "authz"), "authzOfAnImport"} {
		if got, err := s.Order(t.Context(), key); err != nil || got.ID != o.ID {
			t.Errorf("Order(%q) = %v, %v, want the order", key, got, err)
		}
	}
	for _, key := range []string{"", "x", id("two", "")} {
		if got, err := s.Order(t.Context(), key); !errors.Is(err, ca.ErrNotFound) {
			t.Errorf("Order(%q) = %v, %v, want kind not found", key, got, err)
		}
	}
	if err := s.InsertOrder(t.Context(), order(clk, "one"), nil, nil); !errors.Is(err, store.ErrExists) {
		t.Errorf("inserting again: %v, want ErrExists", err)
	}
	if err := s.InsertOrder(t.Context(), order(clk, "two"), nonce("n1"), nil); !errors.Is(err, store.ErrNonceUsed) {
		t.Errorf("with a used nonce: %v, want ErrNonceUsed", err)
	}
	if _, err := s.Order(t.Context(), id("two", "")); !errors.Is(err, ca.ErrNotFound) {
		t.Errorf("order with a used nonce: %v, want it not stored", err)
	}
}

func TestUpdateOrderKeepsWhatIdentifiesIt(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{})
	if err := s.InsertOrder(t.Context(), order(clk, "one"), nil, nil); err != nil {
		t.Fatal(err)
	}
	got, err := s.UpdateOrder(t.Context(), id("one", "chall"), nonce("n"), func(o *store.ACMEOrder) error {
		o.AccountID = "thief"
		return setData(`{"status":"ready"}`)(o)
	})
	if err != nil || got.AccountID != "acc" || string(got.Data) != `{"status":"ready"}` {
		t.Errorf("UpdateOrder = %+v, %v, want new data, same account", got, err)
	}
	refusal := errors.New("no")
	_, err = s.UpdateOrder(t.Context(), id("one", ""), nonce("m"), func(*store.ACMEOrder) error { return refusal })
	if !errors.Is(err, refusal) {
		t.Errorf("refused update: %v", err)
	}
	if err := s.UseNonce(t.Context(), nonce("m")); err != nil {
		t.Errorf("nonce of a refused update: %v, want it unused", err)
	}
	if err := s.UseNonce(t.Context(), nonce("n")); !errors.Is(err, store.ErrNonceUsed) {
		t.Errorf("nonce of the update: %v, want ErrNonceUsed", err)
	}
}

func TestFinalizeIsOneTransaction(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{})
	if err := s.InsertOrder(t.Context(), order(clk, "one"), nil, nil); err != nil {
		t.Fatal(err)
	}
	refusal := errors.New("not ready")
	up := &store.ACMEOrderUpdate{ID: id("one", ""), Apply: func(*store.ACMEOrder) error { return refusal }}
	if err := s.Record(t.Context(), &store.Issuance{Certificate: certificate(clk, 1), Order: up}); !errors.Is(err, refusal) {
		t.Errorf("refused order: %v", err)
	}
	if _, err := s.Certificate(t.Context(), bigInt(1)); !errors.Is(err, ca.ErrNotFound) {
		t.Errorf("certificate of a refused order: %v, want none", err)
	}
	up.Apply = setData(`{"status":"valid"}`)
	if err := s.Record(t.Context(), &store.Issuance{Certificate: certificate(clk, 1), Order: up}); err != nil {
		t.Fatal(err)
	}
	if o, err := s.Order(t.Context(), up.ID); err != nil || string(o.Data) != `{"status":"valid"}` {
		t.Errorf("order = %s, %v, want valid", o.Data, err)
	}
}

func TestOrdersOfAnAccount(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{})
	for i := range 5 {
		o := order(clk, fmt.Sprint("o", i))
		if i == 2 {
			o.AccountID = "acc2" // not a part of acc
		}
		if err := s.InsertOrder(t.Context(), o, nil, nil); err != nil {
			t.Fatal(err)
		}
		clk.Advance(time.Second)
	}
	var got []string
	for p := (store.Page{Limit: 3}); ; {
		page, next, err := s.Orders(t.Context(), "acc", p)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page {
			got = append(got, o.ID[:2])
		}
		if p.Cursor = next; next == "" {
			break
		}
	}
	if fmt.Sprint(got) != "[o4 o3 o1 o0]" {
		t.Errorf("orders %v, want o4 o3 o1 o0", got)
	}
}

func TestAccountKeyIsUniqueWithinAProvisioner(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{})
	account := func(id, prov, thumb string) *store.ACMEAccount {
		return &store.ACMEAccount{ID: id, Provisioner: prov, Thumbprint: thumb, CreatedAt: clk.Now(), Data: json.RawMessage(`{}`)}
	}
	insert := func(a *store.ACMEAccount) error { return s.InsertAccount(t.Context(), a, nil, "", nil) }
	for _, a := range []*store.ACMEAccount{account("1", "acme/a", "k"), account("2", "acme/b", "k"), account("3", "acme/a", "l")} {
		if err := insert(a); err != nil {
			t.Fatal(err)
		}
	}
	if err := insert(account("4", "acme/a", "k")); !errors.Is(err, store.ErrExists) {
		t.Errorf("second account of a key: %v, want ErrExists", err)
	}
	rollTo := func(thumb string) error {
		_, err := s.UpdateAccount(t.Context(), "1", nil, func(a *store.ACMEAccount) error { a.Thumbprint = thumb; return nil })
		return err
	}
	if err := rollTo("l"); !errors.Is(err, store.ErrExists) {
		t.Errorf("changing to the key of another account: %v, want ErrExists", err)
	}
	if err := rollTo("m"); err != nil {
		t.Fatal(err)
	}
	if a, err := s.AccountByKey(t.Context(), "acme/a", "m"); err != nil || a.ID != "1" {
		t.Errorf("account by its new key: %v, %v", a, err)
	}
	if a, err := s.AccountByKey(t.Context(), "acme/a", "k"); !errors.Is(err, ca.ErrNotFound) {
		t.Errorf("account by its old key: %v, %v, want not found", a, err)
	}
	if err := insert(account("5", "acme/a", "k")); err != nil {
		t.Errorf("the old key for a new account: %v", err)
	}
}

func TestExternalKeyBindsOneAccount(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{})
	key := &store.ACMEExternalKey{ID: "kid", Provisioner: "acme/a", Reference: "ref", Secret: []byte("secret"), CreatedAt: clk.Now()}
	if err := s.InsertExternalKey(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	taken := &store.ACMEExternalKey{ID: "kid2", Provisioner: "acme/a", Reference: "ref"}
	if err := s.InsertExternalKey(t.Context(), taken); !errors.Is(err, store.ErrExists) {
		t.Errorf("second key with the reference: %v, want ErrExists", err)
	}
	errBound := errors.New("bound already")
	bind := func(k *store.ACMEExternalKey) error {
		if k.AccountID != "" {
			return errBound
		}
		k.Secret, k.BoundAt = nil, clk.Now()
		return nil
	}
	insert := func(id string) error {
		a := &store.ACMEAccount{ID: id, Provisioner: "acme/a", Thumbprint: id}
		return s.InsertAccount(t.Context(), a, nil, "kid", bind)
	}
	if err := insert("1"); err != nil {
		t.Fatal(err)
	}
	if err := insert("2"); !errors.Is(err, errBound) {
		t.Errorf("second binding: %v, want it refused", err)
	}
	if _, err := s.Account(t.Context(), "2"); !errors.Is(err, ca.ErrNotFound) {
		t.Errorf("account of the refused binding: %v, want none", err)
	}
	got, err := s.ExternalKey(t.Context(), "kid")
	if err != nil || got.AccountID != "1" || got.Secret != nil {
		t.Errorf("key after binding = %+v, %v, want it bound and without its secret", got, err)
	}
	if page, _, err := s.ExternalKeys(t.Context(), "acme/a", store.Page{}); err != nil || len(page) != 1 {
		t.Errorf("ExternalKeys = %v, %v, want one", page, err)
	}
	if err := s.DeleteExternalKey(t.Context(), "kid"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ExternalKey(t.Context(), "kid"); !errors.Is(err, ca.ErrNotFound) {
		t.Errorf("deleted key: %v, want not found", err)
	}
	if err := s.InsertExternalKey(t.Context(), taken); err != nil {
		t.Errorf("reference of a deleted key: %v, want it free", err)
	}
}
