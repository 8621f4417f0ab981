package acmeserver_test

import (
	"context"
	"crypto"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stepca/acme"
	"stepca/internal/catest"
	"stepca/kms"
	"stepca/kms/soft"
	"stepca/kv/mem"
	"stepca/store"
)

// devices are keys outside the process, which take their time.
type devices struct {
	kms.Engine
	signed *atomic.Int64 // how often
	sign   func() error  // before each signature; may wait
}

func (d devices) Signer(ctx context.Context, uri string) (kms.Signer, error) {
	s, err := d.Engine.Signer(ctx, uri)
	return device{s, d}, err
}

type device struct {
	kms.Signer
	devices
}

func (d device) External() bool { return true }

func (d device) SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if err := d.sign(); err != nil {
		return nil, err
	}
	d.signed.Add(1)
	return d.Signer.SignContext(ctx, digest, opts)
}

// twoServers runs two servers of one authority on one database in memory,
// whose keys are devices. Only what is signed after the start is counted and waits.
func twoServers(t *testing.T, sign func() error) (first, second *catest.CA, signed *atomic.Int64, db *store.Store) {
	t.Helper()
	engine := mem.New()
	first, second, signed = twoServersOn(t, onEngine(engine), sign)
	return first, second, signed, store.New(engine, store.Options{})
}

func twoServersOn(t *testing.T, opts catest.Options, sign func() error) (first, second *catest.CA, signed *atomic.Int64) {
	t.Helper()
	signed = new(atomic.Int64)
	started := make(chan struct{})
	opts.Keys = func(ctx context.Context, cfg kms.Config) (kms.Engine, error) {
		e, err := soft.Open(ctx, cfg)
		return devices{e, signed, func() error {
			select {
			case <-started:
				return sign()
			default:
				return nil
			}
		}}, err
	}
	v := new(validator)
	first = newCAWith(t, v, nil, opts)
	second = sameAuthority(t, first, v, opts)
	close(started)
	signed.Store(0)
	return first, second, signed
}

// at returns the client at another server.
func (c *client) at(t *testing.T, other *catest.CA) *client {
	there := newClient(t, c.ca)
	there.key, there.base = c.key, other.URL+"/acme/acme/"
	there.kid = strings.Replace(c.kid, c.ca.URL, other.URL, 1)
	return there
}

func openIntents(t *testing.T, db *store.Store) int {
	t.Helper()
	open, _, err := db.Intents(t.Context(), store.Page{})
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// TestOneServerSigns finalizes an order at two servers at once, with a key that is
// slow and outside of both.
func TestOneServerSigns(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}, 2), make(chan struct{})
	first, second, signed, db := twoServers(t, func() error {
		asked <- struct{}{}
		<-release
		return nil
	})
	cl := newClient(t, first).register()
	there := cl.at(t, second)
	u, order := cl.order("a.example")
	cl.prove(order)
	finalize := order["finalize"].(string)
	elsewhere := strings.Replace(finalize, first.URL, second.URL, 1)

	var group sync.WaitGroup
	group.Go(func() {
		done := cl.post(finalize, map[string]any{"csr": csr(t, newKey(t), "a.example")}).want(http.StatusOK).json()
		if done["status"] != "valid" {
			t.Errorf("order at the server that signs: %v", done)
		}
	})
	<-asked
	for range 2 {
		r := there.post(elsewhere, map[string]any{"csr": csr(t, newKey(t), "a.example")}).want(http.StatusOK)
		if r.json()["status"] != "processing" || r.header.Get("Retry-After") == "" {
			t.Errorf("order at the other server: %s, Retry-After %q", r.body, r.header.Get("Retry-After"))
		}
	}
	authz := strings.Replace(order["authorizations"].([]any)[0].(string), first.URL, second.URL, 1)
	there.post(authz, map[string]any{"status": "deactivated"}).want(http.StatusOK) // too late
	if n := openIntents(t, db); n != 1 {
		t.Errorf("%d intents are open, want 1", n)
	}
	close(release)
	group.Wait()
	done := there.post(strings.Replace(u, first.URL, second.URL, 1), nil).want(http.StatusOK).json()
	if done["status"] != "valid" || signed.Load() != 1 || openIntents(t, db) != 0 {
		t.Errorf("order %v, %d signatures, %d open intents; want valid, 1, 0", done, signed.Load(), openIntents(t, db))
	}
}

// TestManyFinalizeAtTwoServers lets a crowd finalize the same order.
func TestManyFinalizeAtTwoServers(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]func(*testing.T) catest.Options{
		"memory":     func(*testing.T) catest.Options { return onEngine(mem.New()) },
		"PostgreSQL": onPostgres,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			manyFinalize(t, opts(t))
		})
	}
}

func manyFinalize(t *testing.T, opts catest.Options) {
	first, second, signed := twoServersOn(t, opts, func() error { time.Sleep(5 * time.Millisecond); return nil })
	cl := newClient(t, first).register()
	u, order := cl.order("a.example")
	cl.prove(order)
	request := csr(t, newKey(t), "a.example")
	var group sync.WaitGroup
	for i := range 10 {
		server := []*catest.CA{first, second}[i%2]
		one := cl.at(t, server)
		group.Go(func() {
			r := one.post(strings.Replace(order["finalize"].(string), first.URL, server.URL, 1), map[string]any{"csr": request}).want(http.StatusOK)
			if status := r.json()["status"]; status != "valid" && status != "processing" {
				t.Errorf("finalized order: %s", r.body)
			}
		})
	}
	group.Wait()
	if got := cl.post(u, nil).json()["status"]; got != "valid" || signed.Load() != 1 {
		t.Errorf("order %v after %d signatures, want valid after 1", got, signed.Load())
	}
}

// TestFailedSignatureGivesTheOrderBack lets the device fail once.
func TestFailedSignatureGivesTheOrderBack(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	broken.Store(true)
	first, second, signed, db := twoServers(t, func() error {
		if broken.Swap(false) {
			return errors.New("the device was unplugged")
		}
		return nil
	})
	cl := newClient(t, first).register()
	_, order := cl.order("a.example")
	cl.prove(order)
	request := map[string]any{"csr": csr(t, newKey(t), "a.example")}
	cl.faulty = true
	cl.post(order["finalize"].(string), request).problem(http.StatusInternalServerError, "serverInternal")
	if n := openIntents(t, db); n != 1 {
		t.Errorf("%d intents are open, want that of the signature whose outcome is not known", n)
	}
	done := cl.at(t, second).post(strings.Replace(order["finalize"].(string), first.URL, second.URL, 1), request).want(http.StatusOK).json()
	if done["status"] != "valid" || signed.Load() != 1 {
		t.Errorf("order %v after %d signatures", done, signed.Load())
	}
}

// TestClaimOfACrashedServerLapses looks at an order that a server claimed before it
// crashed.
func TestClaimOfACrashedServerLapses(t *testing.T) {
	t.Parallel()
	first, _, signed, db := twoServers(t, func() error { return nil })
	cl := newClient(t, first).register()
	u, order := cl.order("a.example")
	cl.prove(order)
	claim := func(until time.Time) {
		_, err := db.UpdateOrder(t.Context(), order["id"].(string), nil, func(rec *store.ACMEOrder) error {
			o, err := acme.LoadOrder(rec)
			if err != nil {
				return err
			}
			o.Claim = &acme.Claim{ID: "crashed", Until: until}
			return o.Save(rec, rec.ExpiresAt)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	request := map[string]any{"csr": csr(t, newKey(t), "a.example")}
	claim(time.Now().Add(time.Hour))
	if got := cl.post(order["finalize"].(string), request).want(http.StatusOK).json()["status"]; got != "processing" || signed.Load() != 0 {
		t.Errorf("claimed order: %v, %d signatures", got, signed.Load())
	}
	if got := cl.post(u, nil).json()["status"]; got != "processing" {
		t.Errorf("claimed order: %v", got)
	}
	claim(time.Now().Add(-time.Second))
	if got := cl.post(order["finalize"].(string), request).want(http.StatusOK).json()["status"]; got != "valid" || signed.Load() != 1 {
		t.Errorf("order whose claim lapsed: %v, %d signatures", got, signed.Load())
	}
}
