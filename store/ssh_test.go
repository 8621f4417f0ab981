package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stepca/ca"
	"stepca/store"
)

func sshCertificate(clk *clock, serial uint64, typ ca.SSHCertType, keyID string, principals ...string) *store.SSHCertificate {
	return &store.SSHCertificate{
		Serial: serial, Type: typ, KeyID: keyID, Principals: principals,
		ValidAfter: clk.Now(), ValidBefore: clk.Now().Add(16 * time.Hour), Wire: []byte("wire"),
	}
}

func mustRecordSSH(t *testing.T, s *store.Store, certs ...*store.SSHCertificate) {
	t.Helper()
	if err := s.RecordSSH(t.Context(), &store.SSHIssuance{Certificates: certs}); err != nil {
		t.Fatal(err)
	}
}

func TestSSHCertificates(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{})
	const big = uint64(1<<64 - 1)
	mustRecordSSH(t, s, sshCertificate(clk, 1, ca.SSHUser, "joe@example.com", "joe", "root"))
	clk.Advance(time.Minute)
	mustRecordSSH(t, s, sshCertificate(clk, big, ca.SSHHost, "web", "web.example", "root"))

	want := sshCertificate(clk, big, ca.SSHHost, "web", "web.example", "root")
	want.IssuedAt = clk.Now()
	if got, err := s.SSHCertificate(t.Context(), big); err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("SSHCertificate: %v (-want +got):\n%s", err, cmp.Diff(want, got))
	}
	if _, err := s.SSHCertificate(t.Context(), 2); !errors.Is(err, ca.ErrNotFound) {
		t.Errorf("unknown serial number: %v, want kind not found", err)
	}
	for _, tt := range []struct {
		q    store.SSHQuery
		want []uint64
	}{
		{store.SSHQuery{}, []uint64{big, 1}},
		{store.SSHQuery{Principal: "root"}, []uint64{big}},
		{store.SSHQuery{Principal: "ROOT", Type: ca.SSHUser}, []uint64{1}},
		{store.SSHQuery{KeyID: "joe@example.com"}, []uint64{1}},
		{store.SSHQuery{ExpiresTo: clk.Now().Add(16 * time.Hour)}, []uint64{1}},
	} {
		page, _, err := s.SSHCertificates(t.Context(), tt.q)
		var got []uint64
		for _, c := range page {
			got = append(got, c.Serial)
		}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("SSHCertificates(%+v) = %v, %v, want %v", tt.q, got, err, tt.want)
		}
	}
}

func TestSSHRevoke(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{})
	mustRecordSSH(t, s, sshCertificate(clk, 9, ca.SSHUser, "u", "user"))
	rev := &ca.Revocation{Serial: "9", By: "token"}
	if err := s.SSHRevoke(t.Context(), rev, &ca.OneTimeID{ID: "t"}); err != nil {
		t.Fatal(err)
	}
	got, err := s.SSHRevoked(t.Context(), 9)
	if err != nil || got == nil || !got.ExpiresAt.Equal(clk.Now().Add(16*time.Hour)) {
		t.Errorf("SSHRevoked = %+v, %v, want the certificate's expiry in it", got, err)
	}
	if err := s.SSHRevoke(t.Context(), rev, nil); !errors.Is(err, ca.ErrAlreadyRevoked) {
		t.Errorf("revoking again: %v, want kind already revoked", err)
	}
	if err := s.SSHRevoke(t.Context(), &ca.Revocation{Serial: "x"}, nil); !errors.Is(err, ca.ErrMalformed) {
		t.Errorf("bad serial number: %v, want kind malformed", err)
	}
	if x509, err := s.Revoked(t.Context(), bigInt(9)); x509 != nil || err != nil {
		t.Errorf("X.509 certificate with that serial number: %v, %v, want not revoked", x509, err)
	}
}

func TestIdentityCertificateComesWithTheSSHCertificate(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{})
	iss := &store.SSHIssuance{
		Certificates: []*store.SSHCertificate{sshCertificate(clk, 1, ca.SSHUser, "u", "user")},
		X509:         certificate(clk, 2, "user@example.com"),
		OneTime:      &ca.OneTimeID{ID: "t"},
	}
	if err := s.RecordSSH(t.Context(), iss); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Certificate(t.Context(), bigInt(2)); err != nil {
		t.Error(err)
	}
	if err := s.RecordSSH(t.Context(), iss); !errors.Is(err, store.ErrTokenUsed) {
		t.Errorf("again: %v, want ErrTokenUsed", err)
	}
}
