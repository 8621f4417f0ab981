package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// fakeIdentity is an identity whose renewals take no time and are counted.
func fakeIdentity(validity time.Duration, renew func(n int) error) (id *Identity, renewals *[]time.Duration) {
	start := time.Now()
	certificate := func() *credential {
		return &credential{
			crt:      &tls.Certificate{Leaf: &x509.Certificate{NotBefore: time.Now(), NotAfter: time.Now().Add(validity)}},
			replaced: make(chan struct{}),
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	id = &Identity{
		cfg: IdentityConfig{
			RenewBefore: validity / 3, Jitter: validity / 20, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		},
		wake:   make(chan struct{}, 1),
		done:   make(chan struct{}),
		cancel: cancel,
	}
	renewals = new([]time.Duration)
	id.renew = func(context.Context, *credential) (*credential, error) {
		*renewals = append(*renewals, time.Since(start))
		if err := renew(len(*renewals)); err != nil {
			return nil, err
		}
		return certificate(), nil
	}
	id.current.Store(certificate())
	go id.run(ctx)
	return id, renewals
}

func TestRenewalTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const validity = 24 * time.Hour
		id, renewals := fakeIdentity(validity, func(int) error { return nil })
		time.Sleep(7 * validity)
		id.Close()
		last := time.Duration(0)
		for i, at := range *renewals {
			share := float64(at-last) / float64(validity)
			if share < 0.615 || share > 0.668 {
				t.Errorf("renewal %d after %.3f of the validity, want between 0.617 and 0.667", i, share)
			}
			last = at
		}
		if len(*renewals) < 10 {
			t.Errorf("%d renewals in 7 validities, want at least 10", len(*renewals))
		}
	})
}

func TestRetryTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		id, renewals := fakeIdentity(24*time.Hour, func(n int) error {
			if n < 5 {
				return errors.New("the CA is down")
			}
			return nil
		})
		time.Sleep(24 * time.Hour)
		id.Close()
		if len(*renewals) < 5 {
			t.Fatalf("%d attempts, want at least 5", len(*renewals))
		}
		for i := 1; i < 5; i++ {
			if wait := (*renewals)[i] - (*renewals)[i-1]; wait < 36*time.Minute || wait > 72*time.Minute {
				t.Errorf("attempt %d after %v, want 36 to 72 minutes", i+1, wait)
			}
		}
	})
}

// Handshakes that find the certificate expired make us ask a CA that is down,
// but not once each.
func TestHandshakesDoNotHammer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		id, renewals := fakeIdentity(time.Hour, func(int) error { return errors.New("the CA is down") })
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		before := len(*renewals)
		for range 100 {
			go id.usable(t.Context())
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if n := len(*renewals) - before; n < 5 || n > 12 {
			t.Errorf("%d attempts in 100 s of handshakes, want about 10", n)
		}
		id.Close()
		time.Sleep(handshakeWait) // the last handshakes give up
	})
}
