package acmeserver_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stepca/acme"
	"stepca/ca"
	"stepca/config"
	"stepca/internal/catest"
	"stepca/kv"
	"stepca/kv/mem"
	"stepca/server"
	"stepca/store"
)

// onSharedEngine is onEngine for a server that thinks that others use the engine.
func onSharedEngine(engine kv.Engine) catest.Options {
	return catest.Options{
		Engines: map[string]server.EngineOpener{
			config.EnginePostgreSQL: func(context.Context, *config.DB, *slog.Logger) (kv.Engine, error) { return engine, nil },
		},
		Edit: func(cfg map[string]any) {
			cfg["db"] = map[string]any{"type": "postgresql", "dataSource": "postgresql://127.0.0.1", "database": "stepca"}
		},
	}
}

// TestEachRequestSpendsItsNonce sends requests that change something, that find
// nothing to change, and that a transaction refuses, each twice.
func TestEachRequestSpendsItsNonce(t *testing.T) {
	t.Parallel()
	c := newCAWith(t, new(validator), nil, onSharedEngine(mem.New()))
	cl, other := newClient(t, c).register(), newClient(t, c).register()
	_, failed := cl.order("failed.example")
	authz := failed["authorizations"].([]any)[0].(string)
	_, pending := cl.order("pending.example")
	deactivated := map[string]any{"status": "deactivated"}
	cl.post(authz, deactivated).want(http.StatusOK)
	request := map[string]any{"csr": csr(t, newKey(t), "pending.example")}

	for name, r := range map[string]struct {
		url     string
		payload any
		status  int
	}{
		"an order":                         {cl.base + "new-order", map[string]any{"identifiers": ids("a.example")}, 201},
		"an order that is refused":         {cl.base + "new-order", map[string]any{"identifiers": ids("*.*.example")}, 400},
		"an authorization":                 {cl.base + "new-authz", map[string]any{"identifier": ids("b.example")[0]}, 201},
		"an authorization that is there":   {cl.base + "new-authz", map[string]any{"identifier": ids("b.example")[0]}, 201},
		"a look at an account":             {cl.kid, nil, 200},
		"an account with contacts":         {cl.kid, map[string]any{"contact": []string{"mailto:a@example.com"}}, 200},
		"an order that is not ready":       {pending["finalize"].(string), request, 403},
		"an order that is invalid":         {failed["finalize"].(string), request, 403},
		"a look at an authorization":       {authz, nil, 200},
		"an authorization that is over":    {authz, deactivated, 200},
		"an authorization that is no more": {cl.base + "authz/x", deactivated, 404},
	} {
		nonce := map[string]any{"nonce": cl.nonce()}
		cl.postWith(r.url, r.payload, nonce).want(r.status)
		if got := cl.postWith(r.url, r.payload, nonce); got.status != http.StatusBadRequest || !bytes.Contains(got.body, []byte("badNonce")) {
			t.Errorf("%s: the second answer is %d %s, want badNonce", name, got.status, got.body)
		}
	}

	for _, status := range []int{http.StatusCreated, http.StatusOK} {
		t.Run(fmt.Sprintf("an account, answered with %d", status), func(t *testing.T) {
			one := newClient(t, c)
			if status == http.StatusOK {
				one.key = cl.key
			}
			nonce := map[string]any{"nonce": one.nonce()}
			one.postWith(one.base+"new-account", map[string]any{}, nonce).want(status)
			one.postWith(one.base+"new-account", map[string]any{}, nonce).problem(http.StatusBadRequest, "badNonce")
		})
	}
	t.Run("a key change that the database refuses", func(t *testing.T) {
		nonce := map[string]any{"nonce": cl.nonce()}
		u := cl.base + "key-change"
		change := encode(t, map[string]any{"account": cl.kid, "oldKey": jwk(t, cl.key)})
		payload := cl.sign(change, other.key, map[string]any{"url": u, "jwk": jwk(t, other.key)})
		cl.postWith(u, payload, nonce).problem(http.StatusConflict, "malformed")
		cl.postWith(u, payload, nonce).problem(http.StatusBadRequest, "badNonce")
	})
}

// TestRefusedTransactionSpendsTheNonce has the transaction of a request refuse what
// was fine when the request came.
func TestRefusedTransactionSpendsTheNonce(t *testing.T) {
	t.Parallel()
	engine := mem.New()
	v := new(validator)
	v.validate = func(*acme.Validation) (*acme.Attestation, error) {
		return nil, acme.NewProblem(acme.ProblemIncorrectResponse, "another answer")
	}
	c := newCAWith(t, v, nil, onSharedEngine(engine))
	cl := newClient(t, c).register()
	_, order := cl.order("a.example")
	authz := order["authorizations"].([]any)[0].(string)
	challenge := cl.post(authz, nil).json()["challenges"].([]any)[0].(map[string]any)["url"].(string)
	cl.post(challenge, map[string]any{}).want(http.StatusOK)
	nonce := map[string]any{"nonce": cl.nonce()}
	cl.postWith(authz, map[string]any{"status": "deactivated"}, nonce).problem(http.StatusBadRequest, "malformed")
	cl.postWith(authz, nil, nonce).problem(http.StatusBadRequest, "badNonce")
}

// heldEngine holds back one transaction, and counts reads and what was stored.
type heldEngine struct {
	kv.Engine
	reads, stored  *atomic.Int64
	hold           *atomic.Bool // the next transaction
	asked, release chan struct{}
}

func (e heldEngine) View(ctx context.Context, f func(kv.Reader) error) error {
	defer e.reads.Add(1)
	return e.Engine.View(ctx, f)
}

func (e heldEngine) Update(ctx context.Context, f func(kv.Tx) error) error {
	if e.hold.Swap(false) {
		close(e.asked)
		<-e.release
	}
	err := e.Engine.Update(ctx, f)
	if err == nil {
		e.stored.Add(1)
	}
	return err
}

// TestImpatientClientSpendsItsNonce has a second request finalize an order while the
// first is recorded, and go away.
func TestImpatientClientSpendsItsNonce(t *testing.T) {
	t.Parallel()
	engine := heldEngine{mem.New(), new(atomic.Int64), new(atomic.Int64), new(atomic.Bool), make(chan struct{}), make(chan struct{})}
	c := newCAWith(t, new(validator), nil, onSharedEngine(engine))
	cl := newClient(t, c).register()
	u, order := cl.order("a.example")
	cl.prove(order)
	finalize, request := order["finalize"].(string), map[string]any{"csr": csr(t, newKey(t), "a.example")}
	patient := cl.in(t)
	var group sync.WaitGroup
	before := engine.stored.Load()
	engine.hold.Store(true)
	group.Go(func() { patient.post(finalize, request) })
	<-engine.asked

	nonce := map[string]any{"nonce": cl.nonce()}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reads := engine.reads.Load()
	go func() {
		for engine.reads.Load()-reads < 2 && ctx.Err() == nil { // the account and the order: the request is signed
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	body := cl.sign(encode(t, request), cl.key, cl.header(finalize, nonce))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, finalize, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/jose+json")
	if resp, err := cl.http.Do(req); err == nil {
		resp.Body.Close()
		t.Errorf("the second request was answered with %s, before the first", resp.Status)
	}
	close(engine.release)
	group.Wait()
	for range 500 { // the server may notice later that the client went away
		if engine.stored.Load()-before == 2 { // the certificate, and the nonce
			cl.postWith(u, nil, nonce).problem(http.StatusBadRequest, "badNonce")
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the nonce of the second request was not stored")
}

// racedEngine stores a nonce, behind the back of the request that came with it, when
// the request is being answered.
type racedEngine struct {
	kv.Engine
	armed *atomic.Bool
	race  *func()
}

func (e racedEngine) View(ctx context.Context, f func(kv.Reader) error) error {
	err := e.Engine.View(ctx, f)
	if e.armed.Swap(false) {
		(*e.race)()
	}
	return err
}

// TestNoAnswerForASpentNonce uses a nonce at another server while a request that only
// reads is answered: of the answer nothing is sent, not even its header.
func TestNoAnswerForASpentNonce(t *testing.T) {
	t.Parallel()
	engine := racedEngine{mem.New(), new(atomic.Bool), new(func())}
	c := newCAWith(t, new(validator), nil, onSharedEngine(engine))
	cl := newClient(t, c).register()
	_, order := cl.order("a.example")
	authz := order["authorizations"].([]any)[0].(string)
	for _, u := range []string{authz, cl.kid} {
		nonce := cl.nonce()
		*engine.race = func() {
			if err := store.New(engine, store.Options{}).UseNonce(context.Background(), &ca.OneTimeID{ID: nonce}); err != nil {
				t.Error(err)
			}
		}
		engine.armed.Store(true)
		r := cl.postWith(u, nil, map[string]any{"nonce": nonce}).problem(http.StatusBadRequest, "badNonce")
		if r.header.Get("Location") != "" || len(r.header.Values("Link")) != 1 {
			t.Errorf("the header of a refusal: %v", r.header)
		}
	}
}
