package acmeserver_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"stepca/acme"
	"stepca/config"
	"stepca/internal/catest"
	"stepca/jose"
	"stepca/kv"
	"stepca/kv/mem"
	"stepca/server"
	"stepca/store"
)

// onEngine makes a CA work on an engine that the test holds too.
func onEngine(engine kv.Engine) catest.Options {
	return catest.Options{Engines: map[string]server.EngineOpener{
		config.EngineMemory: func(context.Context, *config.DB, *slog.Logger) (kv.Engine, error) { return engine, nil },
	}}
}

func externalKey(t *testing.T, s *store.Store, provisioner string, policy string) *store.ACMEExternalKey {
	t.Helper()
	k, err := acme.NewExternalKey(provisioner, "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if policy != "" {
		k.Data = json.RawMessage(policy)
	}
	if err := s.InsertExternalKey(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	return k
}

// binding makes an external account binding; edit changes its header.
func (c *client) binding(k *store.ACMEExternalKey, edit func(h map[string]any)) json.RawMessage {
	c.t.Helper()
	h := map[string]any{"kid": k.ID, "url": c.base + "new-account"}
	if edit != nil {
		edit(h)
	}
	jws, err := jose.SignHMAC(encode(c.t, jwk(c.t, c.key)), k.Secret, jose.SignOptions{OmitKeyID: true, Header: h})
	if err != nil {
		c.t.Fatal(err)
	}
	return encode(c.t, jws)
}

func TestExternalAccountBinding(t *testing.T) {
	t.Parallel()
	engine := mem.New()
	c := newCAWith(t, new(validator), func(p map[string]any) { p["requireEAB"] = true }, onEngine(engine))
	s := store.New(engine, store.Options{})
	key := externalKey(t, s, "acme/acme", `{"x509":{"allow":{"dns":["*.ok.example"]}}}`)
	cl := newClient(t, c)
	u := cl.base + "new-account"
	post := func(binding json.RawMessage) *reply {
		return cl.post(u, map[string]any{"externalAccountBinding": binding})
	}

	cl.post(u, map[string]any{}).problem(400, "externalAccountRequired")
	post(json.RawMessage(`"x"`)).problem(400, "malformed")
	post(cl.binding(key, func(h map[string]any) { h["nonce"] = "x" })).problem(400, "malformed")
	post(cl.binding(key, func(h map[string]any) { h["url"] = cl.base })).problem(400, "malformed")
	post(cl.binding(key, func(h map[string]any) { delete(h, "kid") })).problem(400, "malformed")
	post(cl.binding(&store.ACMEExternalKey{ID: "nobody", Secret: key.Secret}, nil)).problem(403, "unauthorized")
	post(cl.binding(&store.ACMEExternalKey{ID: key.ID, Secret: make([]byte, 32)}, nil)).problem(403, "unauthorized")
	post(cl.binding(externalKey(t, s, "acme/other", ""), nil)).problem(403, "unauthorized")
	post(newClient(t, c).binding(key, nil)).problem(403, "unauthorized") // of another account key
	post(cl.sign(encode(t, jwk(t, cl.key)), cl.key, map[string]any{"kid": key.ID, "url": u})).problem(400, "malformed")

	r := post(cl.binding(key, nil)).want(http.StatusCreated)
	if r.json()["externalAccountBinding"] == nil {
		t.Errorf("new account: %s, want the binding in it", r.body)
	}
	cl.kid = r.header.Get("Location")
	stored, err := s.ExternalKey(t.Context(), key.ID)
	if err != nil || stored.AccountID == "" || stored.Secret != nil || stored.BoundAt.IsZero() {
		t.Errorf("key after binding: %+v, %v, want it bound and without its secret", stored, err)
	}
	second := newClient(t, c)
	second.post(u, map[string]any{"externalAccountBinding": second.binding(key, nil)}).problem(403, "unauthorized")

	cl.order("a.ok.example")
	cl.post(cl.base+"new-order", map[string]any{"identifiers": ids("a.bad.example")}).problem(400, "rejectedIdentifier")
}
