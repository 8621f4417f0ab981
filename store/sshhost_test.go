package store_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"stepca/ca"
	"stepca/kv"
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

// hostNames lists all hosts, a page of two at a time.
func hostNames(t *testing.T, s *store.Store) (names []string) {
	t.Helper()
	page := store.Page{Limit: 2}
	for {
		hosts, next, err := s.SSHHosts(t.Context(), page)
		if err != nil || len(hosts) > 2 {
			t.Fatalf("a page of %d hosts, %v", len(hosts), err)
		}
		for _, h := range hosts {
			names = append(names, h.Principal)
		}
		if next == "" {
			return names
		}
		page.Cursor = next
	}
}

// TestSSHHosts checks that a host is listed as long as it has a certificate, and
// that its record then goes.
func TestSSHHosts(t *testing.T) {
	t.Parallel()
	testSSHHosts(t, mem.New())
}

func testSSHHosts(t *testing.T, engine kv.Engine) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	s := store.New(engine, store.Options{Now: func() time.Time { return now }})
	long := strings.Repeat("very.", 100) + "long"
	serial := uint64(0)
	issue := func(valid time.Duration, hosts ...string) {
		t.Helper()
		serial++
		crt := &store.SSHCertificate{Serial: serial, Type: ca.SSHHost, Principals: hosts, ValidBefore: now.Add(valid)}
		if valid == 0 {
			crt.ValidBefore = time.Time{}
		}
		mustRecordSSH(t, s, crt)
	}
	clean := func(want int) {
		t.Helper()
		if n, err := s.Clean(t.Context()); err != nil || n != want {
			t.Errorf("%d records deleted, %v, want %d", n, err, want)
		}
	}
	issue(24*time.Hour, "a", "B.example", long)
	issue(24*time.Hour, "outlives")
	now = now.Add(time.Second)
	issue(time.Hour, "c", "a", "outlives")
	issue(48*time.Hour, "a")
	issue(0, "endless")
	mustRecordSSH(t, s, &store.SSHCertificate{Serial: 99, Type: ca.SSHUser, Principals: []string{"user"}, ValidBefore: now.Add(time.Hour)})
	if got, want := hostNames(t, s), []string{"a", "b.example", "c", "endless", "outlives", long}; !slices.Equal(got, want) {
		t.Errorf("hosts %q, want %q", got, want)
	}
	clean(0)
	now = now.Add(2 * time.Hour)
	if valid, err := s.SSHHostValid(t.Context(), "outlives"); err != nil || !valid {
		t.Errorf("a host whose older certificate lasts longer: %v, %v", valid, err)
	}
	clean(3) // the entries of c, a and outlives, of which only c goes
	if got, want := hostNames(t, s), []string{"a", "b.example", "endless", "outlives", long}; !slices.Equal(got, want) {
		t.Errorf("after two hours %q, want %q", got, want)
	}
	now = now.Add(24 * time.Hour)
	if got, want := hostNames(t, s), []string{"a", "endless"}; !slices.Equal(got, want) {
		t.Errorf("after a day %q, want %q", got, want)
	}
	clean(4) // the entries of a's first certificate, b.example, outlives and the long name
	now = now.Add(24 * time.Hour)
	clean(1)
	if got, want := hostNames(t, s), []string{"endless"}; !slices.Equal(got, want) {
		t.Errorf("after two days %q, want %q", got, want)
	}
	if _, _, err := s.SSHHosts(t.Context(), store.Page{Cursor: "!"}); !errors.Is(err, ca.ErrMalformed) {
		t.Errorf("a cursor of somebody's own: %v", err)
	}
}
