package store_test

import (
	"testing"
	"time"

	"stepca/ca"
	"stepca/kv/mem"
	"stepca/store"
)

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
	if len(got) != 2 || got[0].Serial != 2 || !got[0].ExpiresAt.Equal(ends) || got[0].Type != ca.SSHUser || got[1].Type != "" || got[1].Serial != 1<<64-1 || !got[1].ExpiresAt.IsZero() {
		t.Errorf("%+v", got)
	}
}
