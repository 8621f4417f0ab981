package store_test

import (
	"crypto/sha256"
	"fmt"
	"math/big"
	"sync"
	"testing"
	"time"

	"stepca/ca"
	"stepca/kv/mem"
	"stepca/store"
)

// A clock is set by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func newStore(t testing.TB, opts store.Options) (*store.Store, *clock) {
	t.Helper()
	clk := newClock()
	engine := mem.New()
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	opts.Now = clk.Now
	return store.New(engine, opts), clk
}

// certificate returns a record with the given serial number, good for a day.
func certificate(clk *clock, serial int64, names ...string) *store.Certificate {
	keyHash := sha256.Sum256([]byte(fmt.Sprint("key ", serial)))
	return &store.Certificate{
		Serial:      fmt.Sprint(serial),
		Issuer:      "default",
		Provisioner: ca.ProvisionerRef{ID: "admin:kid", Name: "admin", Type: "JWK"},
		Operation:   ca.SignX509,
		NotBefore:   clk.Now(),
		NotAfter:    clk.Now().Add(24 * time.Hour),
		Names:       ca.ParseSANs(names),
		KeyHash:     keyHash[:],
		DER:         fmt.Append(nil, "DER of ", serial),
	}
}

func mustRecord(t testing.TB, s *store.Store, c *store.Certificate) {
	t.Helper()
	if err := s.Record(t.Context(), &store.Issuance{Certificate: c}); err != nil {
		t.Fatal(err)
	}
}

// serials returns the serial numbers of a page.
func serials(page []*store.Certificate) string {
	var list []string
	for _, c := range page {
		list = append(list, c.Serial)
	}
	return fmt.Sprint(list)
}

func bigInt(n int64) *big.Int { return big.NewInt(n) }
