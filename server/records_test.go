package server

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"log/slog"
	"math/big"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
	"stepca/config"
	"stepca/kv"
	"stepca/kv/mem"
	"stepca/store"
)

// TestForgottenRevocations checks that no certificate can be renewed whose
// revocation was deleted with its record.
func TestForgottenRevocations(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	ended := now.Add(time.Hour)
	x509Crt := &x509.Certificate{SerialNumber: big.NewInt(7), NotAfter: ended}
	sshCrt := &ssh.Certificate{Serial: 7, ValidBefore: uint64(ended.Unix())}
	endless := &ssh.Certificate{Serial: 8, ValidBefore: ssh.CertTimeInfinity}
	for _, retention := range []store.Retention{{}, {Certificates: day, SSHCertificates: day}, {Revocations: day}} {
		clock := now
		db := store.New(mem.New(), store.Options{Now: func() time.Time { return clock }, Retention: retention})
		r := records{store: db}
		err := errors.Join(
			db.RecordSSH(t.Context(), &store.SSHIssuance{Certificates: []*store.SSHCertificate{{Serial: 7, Type: ca.SSHHost, ValidBefore: ended}}}),
			db.SSHRevoke(t.Context(), &ca.Revocation{Serial: "7"}, nil))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Revoke(t.Context(), &ca.Revocation{Serial: "7", ExpiresAt: ended}, nil); err != nil {
			t.Fatal(err)
		}
		for _, later := range []time.Duration{0, 20 * time.Hour, 100 * day} {
			clock = now.Add(later)
			if _, err := db.Clean(t.Context()); err != nil {
				t.Fatal(err)
			}
			forgotten := retention.Revocations != 0 && later > 2*day
			rec, err := r.X509Record(t.Context(), x509Crt)
			if forgotten != errors.Is(err, ca.ErrUnauthorized) || !forgotten && !rec.Revoked {
				t.Errorf("X.509 after %v: %+v, %v", later, rec, err)
			}
			revoked, err := r.SSHRevoked(t.Context(), sshCrt)
			if forgotten != errors.Is(err, ca.ErrUnauthorized) || !forgotten && !revoked {
				t.Errorf("SSH after %v: %v, %v", later, revoked, err)
			}
			if revoked, err := r.SSHRevoked(t.Context(), endless); revoked || err != nil {
				t.Errorf("SSH without an end after %v: %v, %v", later, revoked, err)
			}
		}
	}
}

// TestRetentionOfRevocations checks that the key of the configuration arrives.
func TestRetentionOfRevocations(t *testing.T) {
	t.Parallel()
	engines := map[string]EngineOpener{
		config.EngineMemory: func(context.Context, *config.DB, *slog.Logger) (kv.Engine, error) { return mem.New(), nil },
	}
	lastYear := time.Now().Add(-365 * 24 * time.Hour)
	for text, want := range map[string]bool{
		`{"type":"memory"}`: false,
		`{"type":"memory","retention":{"certificates":"24h"}}`:     false,
		`{"type":"memory","retention":{"revocations":"24h"}}`:      true,
		`{"type":"memory","retention":{"revocations":"1000000h"}}`: false,
	} {
		var db config.DB
		if err := json.Unmarshal([]byte(text), &db); err != nil {
			t.Fatal(err)
		}
		s, _, err := openStore(t.Context(), &db, engines, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if got := s.MayForget(lastYear); got != want || s.MayForget(time.Time{}) {
			t.Errorf("%s: revocations of certificates that ended a year ago may be gone: %v, want %v", text, got, want)
		}
	}
}
