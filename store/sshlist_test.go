package store_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"stepca/ca"
	"stepca/kv/mem"
	"stepca/store"
)

func TestSSHHostValid(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	s := store.New(mem.New(), store.Options{Now: func() time.Time { return now }})
	ctx := t.Context()
	issue := func(serial uint64, host string, ends time.Time) {
		t.Helper()
		crt := &store.SSHCertificate{Serial: serial, Type: ca.SSHHost, Principals: []string{host}, ValidBefore: ends}
		if err := s.RecordSSH(ctx, &store.SSHIssuance{Certificates: []*store.SSHCertificate{crt}}); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
	}
	revoke := func(serial uint64) {
		t.Helper()
		if err := s.SSHRevoke(ctx, &ca.Revocation{Serial: strconv.FormatUint(serial, 10)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	later, soon := now.Add(24*time.Hour), now.Add(time.Hour)
	issue(1, "a", later)
	issue(2, "b", soon)
	issue(3, "c", later)
	issue(4, "c", later)
	issue(5, "d", time.Time{})
	issue(6, "e", soon)
	issue(7, "e", later)
	revoke(1)
	revoke(4)
	revoke(7)
	check := func(when string, want map[string]bool) {
		t.Helper()
		for host, valid := range want {
			if got, err := s.SSHHostValid(ctx, host); err != nil || got != valid {
				t.Errorf("%s, host %s: %v, %v, want %v", when, host, got, err, valid)
			}
		}
	}
	check("at first", map[string]bool{"a": false, "B": true, "c": true, "d": true, "e": true, "f": false})
	now = now.Add(2 * time.Hour)
	check("later", map[string]bool{"a": false, "b": false, "c": true, "d": true, "e": false})

	none := store.New(mem.New(), store.Options{TokensOnly: true})
	if _, err := none.SSHHostValid(ctx, "a"); !errors.Is(err, ca.ErrNotImplemented) {
		t.Errorf("without a database: %v", err)
	}
}

func TestSSHRevokedSince(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	s := store.New(mem.New(), store.Options{Now: func() time.Time { return now }})
	ends := now.Add(time.Hour)
	if err := s.RecordSSH(t.Context(), &store.SSHIssuance{Certificates: []*store.SSHCertificate{{Serial: 2, Type: ca.SSHUser, ValidBefore: ends}}}); err != nil {
		t.Fatal(err)
	}
	for _, serial := range []string{"9", "2", "18446744073709551615"} {
		if err := s.SSHRevoke(t.Context(), &ca.Revocation{Serial: serial}, nil); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
	}
	var got []store.SSHRevokedEntry
	if err := s.SSHRevokedSince(t.Context(), now.Add(-2*time.Second), func(e store.SSHRevokedEntry) { got = append(got, e) }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Serial != 2 || !got[0].ExpiresAt.Equal(ends) || got[1].Serial != 1<<64-1 || !got[1].ExpiresAt.IsZero() {
		t.Errorf("%+v", got)
	}
}
