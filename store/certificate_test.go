package store_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stepca/ca"
	"stepca/store"
)

func TestCertificateComesBackAsRecorded(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{})
	want := certificate(clk, 7, "a.example", "10.0.0.1")
	want.RA = &ca.RegistrationAuthority{AuthorityID: "ra"}
	want.RenewedFrom, want.RequestID, want.AccountID, want.OrderID = "6", "req", "acc", "ord"
	token := &ca.OneTimeID{ID: "jti", Expires: clk.Now().Add(time.Hour)}
	if err := s.Record(t.Context(), &store.Issuance{Certificate: want, OneTime: token}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Certificate(t.Context(), bigInt(7))
	if err != nil {
		t.Fatal(err)
	}
	want.IssuedAt, want.TokenID = clk.Now(), "jti"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if _, err := s.Certificate(t.Context(), bigInt(8)); !errors.Is(err, ca.ErrNotFound) {
		t.Errorf("Certificate of an unknown serial number: %v, want kind not found", err)
	}
}

func TestRecordIsAllOrNothing(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{})
	token := func(id string) *ca.OneTimeID { return &ca.OneTimeID{ID: id, Expires: clk.Now().Add(time.Hour)} }
	record := func(serial int64, id string) error {
		return s.Record(t.Context(), &store.Issuance{Certificate: certificate(clk, serial, "a.example"), OneTime: token(id)})
	}
	if err := record(1, "one"); err != nil {
		t.Fatal(err)
	}
	err := record(2, "one")
	if !errors.Is(err, store.ErrTokenUsed) || !errors.Is(err, ca.ErrUnauthorized) {
		t.Errorf("second use of a token: %v, want ErrTokenUsed of kind unauthorized", err)
	}
	if _, err := s.Certificate(t.Context(), bigInt(2)); !errors.Is(err, ca.ErrNotFound) {
		t.Errorf("the refused certificate: %v, want not found", err)
	}
	if err := record(1, "two"); !errors.Is(err, store.ErrSerialExists) {
		t.Errorf("second use of a serial number: %v, want ErrSerialExists", err)
	}
	if err := record(3, "two"); err != nil {
		t.Errorf("a token whose first use was refused: %v, want it unspent", err)
	}
}

func TestRacingTokensYieldOneCertificate(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{})
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			iss := &store.Issuance{Certificate: certificate(clk, int64(i+1)), OneTime: &ca.OneTimeID{ID: "race"}}
			switch err := s.Record(t.Context(), iss); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, store.ErrTokenUsed):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d certificates for one token, want 1", won.Load())
	}
}

func TestBadSerialNumbersAreNotRecorded(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{})
	for _, serial := range []string{"", "0", "-1", "x", "0x10", fmt.Sprintf("1%060d", 0)} {
		c := certificate(clk, 1)
		c.Serial = serial
		if err := s.Record(t.Context(), &store.Issuance{Certificate: c}); err == nil {
			t.Errorf("serial number %q was recorded", serial)
		}
	}
}

func TestCertificatesAreListedFromIndexes(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{})
	start := clk.Now()
	for i := int64(1); i <= 6; i++ {
		c := certificate(clk, i, "all.example", fmt.Sprintf("h%d.Example", i), "2001:DB8::1")
		if i%2 == 0 {
			c.Provisioner = ca.ProvisionerRef{ID: "acme/acme", Name: "acme", Type: "ACME"}
		}
		mustRecord(t, s, c)
		clk.Advance(time.Minute)
	}
	tests := []struct {
		name string
		q    store.Query
		want string
	}{
		{"everything, newest first", store.Query{}, "[6 5 4 3 2 1]"},
		{"one name", store.Query{Name: ca.Identifier{Type: ca.DNS, Value: "H3.example"}}, "[3]"},
		{"a shared name", store.Query{Name: ca.Identifier{Type: ca.DNS, Value: "all.example"}}, "[6 5 4 3 2 1]"},
		{"part of a name", store.Query{Name: ca.Identifier{Type: ca.DNS, Value: "h3"}}, "[]"},
		{"a name of another type", store.Query{Name: ca.Identifier{Type: ca.Email, Value: "all.example"}}, "[]"},
		{"an address in another spelling", store.Query{Page: store.Page{Limit: 1}, Name: ca.Identifier{Type: ca.IP, Value: "2001:db8:0::1"}}, "[6]"},
		{"a provisioner", store.Query{Provisioner: "acme/acme"}, "[6 4 2]"},
		{"a key", store.Query{KeyHash: certificate(clk, 5).KeyHash}, "[5]"},
		{"soonest expiry first", store.Query{ExpiresTo: start.Add(24*time.Hour + 3*time.Minute)}, "[1 2 3]"},
		{"expiry from", store.Query{ExpiresFrom: start.Add(24*time.Hour + 4*time.Minute)}, "[5 6]"},
	}
	for _, tt := range tests {
		page, next, err := s.Certificates(t.Context(), tt.q)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := serials(page); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		if (next != "") != (tt.q.Limit == 1) {
			t.Errorf("%s: next cursor %q", tt.name, next)
		}
	}
}

func TestCursorVisitsEachCertificateOnce(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{})
	start := clk.Now()
	for i := int64(1); i <= 7; i++ {
		mustRecord(t, s, certificate(clk, i))
	}
	for _, q := range []store.Query{{}, {ExpiresFrom: start}} {
		q.Limit = 3
		seen := map[string]bool{}
		for pages := 0; ; pages++ {
			page, next, err := s.Certificates(t.Context(), q)
			if err != nil || pages > 3 {
				t.Fatalf("page %d: %v", pages, err)
			}
			for _, c := range page {
				if seen[c.Serial] {
					t.Errorf("certificate %s is listed twice", c.Serial)
				}
				seen[c.Serial] = true
			}
			if next == "" {
				break
			}
			q.Cursor = next
		}
		if len(seen) != 7 {
			t.Errorf("%d certificates listed, want 7", len(seen))
		}
	}
}

func TestBadQueriesAreMalformed(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{})
	mustRecord(t, s, certificate(clk, 1, "a.example"))
	mustRecord(t, s, certificate(clk, 2, "a.example"))
	_, cursor, err := s.Certificates(t.Context(), store.Query{Page: store.Page{Limit: 1}})
	if err != nil || cursor == "" {
		t.Fatal(cursor, err)
	}
	name := ca.Identifier{Type: ca.DNS, Value: "a.example"}
	for what, q := range map[string]store.Query{
		"not base64":              {Page: store.Page{Cursor: "%"}},
		"cursor of another index": {Page: store.Page{Cursor: cursor}, Name: name},
		"two selections":          {Name: name, Provisioner: "p"},
		"short hash":              {KeyHash: []byte{1}},
	} {
		if _, _, err := s.Certificates(t.Context(), q); !errors.Is(err, ca.ErrMalformed) {
			t.Errorf("%s: %v, want kind malformed", what, err)
		}
	}
}

func TestWithoutDatabaseOnlyTokensAreKept(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{TokensOnly: true})
	iss := &store.Issuance{Certificate: certificate(clk, 1), OneTime: &ca.OneTimeID{ID: "once"}}
	if err := s.Record(t.Context(), iss); err != nil {
		t.Fatal(err)
	}
	if err := s.Record(t.Context(), iss); !errors.Is(err, store.ErrTokenUsed) {
		t.Errorf("second use of a token: %v, want ErrTokenUsed", err)
	}
	if _, err := s.Certificate(t.Context(), bigInt(1)); !errors.Is(err, ca.ErrNotFound) {
		t.Errorf("Certificate: %v, want not found", err)
	}
	if _, err := s.Revoke(t.Context(), &ca.Revocation{Serial: "1"}, nil); !errors.Is(err, ca.ErrNotImplemented) {
		t.Errorf("Revoke: %v, want kind not implemented", err)
	}
	if rev, err := s.Revoked(t.Context(), bigInt(1)); rev != nil || err != nil {
		t.Errorf("Revoked = %v, %v, want nothing", rev, err)
	}
	if _, _, err := s.Certificates(t.Context(), store.Query{}); !errors.Is(err, ca.ErrNotImplemented) {
		t.Errorf("Certificates: %v, want kind not implemented", err)
	}
}
