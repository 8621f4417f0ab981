package revocation_test

import (
	"context"
	"fmt"
	"math/big"
	"runtime"
	"testing"
	"time"

	"stepca/ca"
	"stepca/kv/mem"
	"stepca/revocation"
	"stepca/store"
)

// filled returns a store with n revocations.
func filled(b *testing.B, n int) *store.Store {
	b.Helper()
	db := store.New(mem.New(), store.Options{})
	for range n {
		rev := &ca.Revocation{
			Serial: ca.NewSerialNumber().String(), Issuer: "default", ReasonCode: 1,
			ExpiresAt: time.Now().Add(24 * time.Hour),
		}
		if _, err := db.Revoke(b.Context(), rev, nil); err != nil {
			b.Fatal(err)
		}
	}
	return db
}

// BenchmarkRevoke revokes while lists are made on revocation: what is already
// revoked must not matter.
func BenchmarkRevoke(b *testing.B) {
	for _, revoked := range []int{0, 3_000, 300_000} {
		b.Run(fmt.Sprint(revoked), func(b *testing.B) {
			db := filled(b, revoked)
			a := newAuthority(b, "default", "P-256")
			s := start(b, nil, revocation.Config{Store: db, Settings: revocation.Settings{Issuers: []revocation.Issuer{a.Issuer}, CRL: crlOn}})
			first, err := s.CRL(b.Context(), "")
			if err != nil {
				b.Fatal(err)
			}
			runtime.GC()
			for b.Loop() {
				serial := ca.NewSerialNumber().String()
				req := &revocation.Request{Serial: serial, ReasonCode: 1, Passive: true}
				if _, err := s.Revoke(b.Context(), req, token(serial)); err != nil {
					b.Fatal(err)
				}
			}
			last, err := s.CRL(context.Background(), "")
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(last.Number-first.Number)/float64(b.N), "lists/op")
		})
	}
}

// BenchmarkList makes one list after one revocation.
func BenchmarkList(b *testing.B) {
	for _, revoked := range []int{3_000, 300_000} {
		b.Run(fmt.Sprint(revoked), func(b *testing.B) {
			db := filled(b, revoked)
			a := newAuthority(b, "default", "P-256")
			s := start(b, nil, revocation.Config{Store: db, Settings: revocation.Settings{Issuers: []revocation.Issuer{a.Issuer}, CRL: crlOn}})
			serial := new(big.Int)
			for b.Loop() {
				revoke(b, s, serial.Add(serial, big.NewInt(1)).String(), 1)
				if _, err := s.CRL(b.Context(), ""); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
