package acmeserver

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"time"

	"stepca/acme"
	"stepca/store"
)

// A Backend is what Servers of successive configurations have in common.
type Backend struct {
	store  *store.Store
	shared bool // others work on the same database
	nonces *nonces
	now    func() time.Time
	log    *slog.Logger
	jobs   *jobs

	orders   *memo[acme.Order]
	accounts *memo[acme.Account]

	newAccounts, newOrders, failures *limiter
}

// A BackendConfig is what a Backend is made of. Store is required.
type BackendConfig struct {
	Store *store.Store

	// Shared says that other servers work on the same database.
	Shared bool

	Now func() time.Time // nil means time.Now
	Log *slog.Logger     // nil discards
}

const nonceKeySize = 32

// NewBackend makes a Backend. Call Run for its background work to end in order.
func NewBackend(ctx context.Context, cfg BackendConfig) (*Backend, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	key := make([]byte, nonceKeySize)
	rand.Read(key)
	if cfg.Shared {
		var err error
		if key, err = cfg.Store.SharedSecret(ctx, "acme-nonce", nonceKeySize); err != nil {
			return nil, fmt.Errorf("reading the key of ACME nonces: %w", err)
		}
	}
	return &Backend{
		store: cfg.Store, shared: cfg.Shared, nonces: newNonces(key, cfg.Shared, cfg.Now), now: cfg.Now, log: cfg.Log, jobs: newJobs(),
		orders: newMemo((*acme.Order).Clone), accounts: newMemo((*acme.Account).Clone),
		newAccounts: newLimiter(accountsPerSecond, accountsAtOnce),
		newOrders:   newLimiter(ordersPerSecond, ordersAtOnce),
		failures:    newLimiter(failuresPerSecond, failuresAtOnce),
	}, nil
}

// Run waits until ctx ends, then ends the validations under way and returns when
// the last one has. The store has to be open until then.
func (b *Backend) Run(ctx context.Context) error {
	<-ctx.Done()
	b.jobs.close()
	return nil
}
