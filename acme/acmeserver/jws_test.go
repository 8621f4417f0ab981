package acmeserver_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"stepca/acme"
	"stepca/jose"
)

func TestJWSIsChecked(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl := newClient(t, c).register()
	u := cl.base + "new-order"
	payload := map[string]any{"identifiers": ids("a.example")}
	for _, tt := range []struct {
		name   string
		change map[string]any
		status int
		typ    string
	}{
		{"no nonce", map[string]any{"nonce": nil}, 400, "badNonce"},
		{"a nonce of our own", map[string]any{"nonce": strings.Repeat("A", 43)}, 400, "badNonce"},
		{"no url", map[string]any{"url": nil}, 400, "malformed"},
		{"url of another resource", map[string]any{"url": cl.base + "new-account"}, 401, "unauthorized"},
		{"url under the other prefix", map[string]any{"url": c.URL + "/2.0/acme/acme/new-order"}, 401, "unauthorized"},
		{"jwk and kid", map[string]any{"jwk": jwk(t, cl.key)}, 400, "malformed"},
		{"neither jwk nor kid", map[string]any{"kid": nil}, 400, "malformed"},
		{"jwk where kid is needed", map[string]any{"kid": nil, "jwk": jwk(t, cl.key)}, 400, "malformed"},
		{"a bare account ID", map[string]any{"kid": cl.kid[strings.LastIndex(cl.kid, "/")+1:]}, 401, "unauthorized"},
		{"kid of another host", map[string]any{"kid": strings.Replace(cl.kid, "127.0.0.1", "evil.example", 1)}, 401, "unauthorized"},
		{"kid of another provisioner", map[string]any{"kid": strings.Replace(cl.kid, "/acme/acme/", "/acme/other/", 1)}, 401, "unauthorized"},
		{"kid of nobody", map[string]any{"kid": cl.base + "account/nobody"}, 400, "accountDoesNotExist"},
		{"unknown critical header", map[string]any{"crit": []string{"exp"}, "exp": 1}, 400, "malformed"},
	} {
		r := cl.postWith(u, payload, tt.change)
		t.Log(tt.name)
		if r.problem(tt.status, tt.typ); r.header.Get("Replay-Nonce") == "" {
			t.Errorf("%s: no nonce in the refusal", tt.name)
		}
	}
	t.Run("the account of one provisioner at another", func(t *testing.T) {
		other := c.URL + "/acme/other/new-order"
		kid := strings.Replace(cl.kid, "/acme/acme/", "/acme/other/", 1)
		cl.postWith(other, payload, map[string]any{"kid": kid}).problem(401, "unauthorized")
	})
	t.Run("kid with another name of this CA", func(t *testing.T) {
		kid := strings.Replace(cl.kid, "127.0.0.1", "localhost", 1)
		cl.postWith(u, payload, map[string]any{"kid": kid}).want(http.StatusCreated)
	})
	t.Run("kid with another spelling of the provisioner", func(t *testing.T) {
		kid := strings.Replace(cl.kid, "/acme/acme/", "/acme/%61cme/", 1)
		cl.postWith(u, payload, map[string]any{"kid": kid}).want(http.StatusCreated)
	})
	t.Run("another key", func(t *testing.T) {
		cl.raw(u, cl.sign(encode(t, payload), newKey(t), cl.header(u, nil))).problem(400, "malformed")
	})
	t.Run("replay", func(t *testing.T) {
		body := cl.sign(encode(t, payload), cl.key, cl.header(u, nil))
		cl.raw(u, body).want(http.StatusCreated)
		cl.raw(u, body).problem(400, "badNonce")
	})
	t.Run("the other prefix", func(t *testing.T) {
		r := cl.post(c.URL+"/2.0/acme/acme/new-order", payload).want(http.StatusCreated)
		if !strings.HasPrefix(r.header.Get("Location"), cl.base) {
			t.Errorf("Location %s, want it below %s", r.header.Get("Location"), cl.base)
		}
	})
}

// rawJWS assembles a flattened JWS of any content.
func rawJWS(t *testing.T, header map[string]any, payload, signature []byte, extra map[string]any) []byte {
	t.Helper()
	m := map[string]any{"protected": b64(encode(t, header)), "payload": b64(payload), "signature": b64(signature)}
	maps.Copy(m, extra)
	return encode(t, m)
}

func TestAlgorithmsAndForms(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl := newClient(t, c).register()
	u := cl.base + "new-order"
	payload := encode(t, map[string]any{"identifiers": ids("a.example")})
	for _, alg := range []string{"none", "HS256", "HS512", "ES256K", ""} {
		h := cl.header(u, map[string]any{"alg": alg})
		r := cl.raw(u, rawJWS(t, h, payload, []byte("x"), nil))
		if alg == "" {
			r.want(http.StatusBadRequest)
			continue
		}
		r.problem(400, "badSignatureAlgorithm")
		p := new(acme.Problem)
		if err := json.Unmarshal(r.body, p); err != nil || !slices.Contains(p.Algorithms, "ES256") {
			t.Errorf("alg %q: %s, want the algorithms supported", alg, r.body)
		}
	}
	t.Run("HMAC with the public key", func(t *testing.T) {
		secret := encode(t, jwk(t, cl.key))
		jws, err := jose.SignHMAC(payload, secret, jose.SignOptions{OmitKeyID: true, Header: cl.header(u, nil)})
		if err != nil {
			t.Fatal(err)
		}
		cl.raw(u, encode(t, jws)).problem(400, "badSignatureAlgorithm")
	})
	t.Run("unprotected header", func(t *testing.T) {
		body := cl.sign(payload, cl.key, cl.header(u, nil))
		m := map[string]any{}
		if err := json.Unmarshal(body, &m); err != nil {
			t.Fatal(err)
		}
		m["header"] = map[string]any{"foo": "bar"}
		cl.raw(u, encode(t, m)).problem(400, "malformed")
	})
	t.Run("not a JWS", func(t *testing.T) {
		cl.raw(u, []byte("{}")).problem(400, "malformed")
		cl.raw(u, []byte(`{"payload":"","signatures":[{},{}]}`)).problem(400, "malformed")
		cl.raw(u, nil).problem(400, "malformed")
	})
	t.Run("a small RSA key", func(t *testing.T) {
		weak, err := rsa.GenerateKey(rand.Reader, 1024)
		if err != nil {
			t.Fatal(err)
		}
		other := newClient(t, c)
		other.key = weak
		other.post(other.base+"new-account", map[string]any{}).problem(400, "badPublicKey")
	})
	t.Run("content type", func(t *testing.T) {
		for ct, status := range map[string]int{"application/json": 415, "": 415, "application/jose+json; charset=utf-8": 201} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u, bytes.NewReader(cl.sign(payload, cl.key, cl.header(u, nil))))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", ct)
			cl.do(req).want(status)
		}
	})
	t.Run("too large", func(t *testing.T) {
		cl.raw(u, bytes.Repeat([]byte(" "), 200<<10)).problem(413, "malformed")
	})
	t.Run("payloads", func(t *testing.T) {
		for _, p := range []string{"", "null", "[]", `"x"`, "{", `{"identifiers":7}`, `{"identifiers":[{"type":"dns"}]}`} {
			cl.post(u, []byte(p)).problem(400, "malformed")
		}
		cl.post(cl.kid+"/orders", []byte("{}")).problem(400, "malformed")
	})
}
