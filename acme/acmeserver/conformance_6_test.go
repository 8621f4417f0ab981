package acmeserver_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stepca/acme"
	"stepca/internal/freeport"
)

// Chapter 6: message transport.
var chapter6 = []demand{
	{"6.1", "HTTPS only", func(t *testing.T, w *world) {
		resp, err := http.Get(strings.Replace(w.client(t).base, "https:", "http:", 1) + "directory")
		if err != nil {
			return
		}
		defer resp.Body.Close()
		if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusBadRequest || strings.Contains(string(body), "newNonce") {
			t.Errorf("plain HTTP: %d %s", resp.StatusCode, body)
		}
	}},
	{"6.1", "no TLS before 1.2", func(t *testing.T, w *world) {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(w.ca.URL, "https://"), &tls.Config{MaxVersion: tls.VersionTLS11, InsecureSkipVerify: true})
		if err == nil {
			conn.Close()
			t.Error("spoke TLS 1.1")
		}
	}},
	{"6.1", "CORS", func(t *testing.T, w *world) {
		if got := w.client(t).send(http.MethodGet, w.client(t).base+"directory").header.Get("Access-Control-Allow-Origin"); got != "*" {
			t.Errorf("Access-Control-Allow-Origin %q", got)
		}
	}},
	{"6.1", "padded base64url is rejected", func(t *testing.T, w *world) {
		cl := w.account(t)
		crt, _, _ := cl.issue("a.example")
		cl.post(cl.base+"revoke-cert", map[string]any{"certificate": b64(crt.Raw) + "="}).problem(400, "malformed")
		var m map[string]string
		if err := json.Unmarshal(cl.signText(cl.headerText(cl.kid, nil), "", nil), &m); err != nil {
			t.Fatal(err)
		}
		m["signature"] += "=="
		cl.raw(cl.kid, encode(t, m)).problem(400, "malformed")
	}},
	{"6.2", "other media types are 415", func(t *testing.T, w *world) {
		cl := w.account(t)
		for _, media := range []string{"", "application/json", "application/jose", "text/plain", "application/jose+json, x"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, cl.kid, strings.NewReader(string(cl.signText(cl.headerText(cl.kid, nil), "", nil))))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", media)
			cl.do(req).problem(http.StatusUnsupportedMediaType, "malformed")
		}
	}},
	{"6.2", "no unprotected header", func(t *testing.T, w *world) {
		cl := w.account(t)
		cl.raw(cl.kid, cl.signText(cl.headerText(cl.kid, nil), "", map[string]any{"header": map[string]any{"x": 1}})).problem(400, "malformed")
	}},
	{"6.2", "one signature", func(t *testing.T, w *world) {
		cl := w.account(t)
		one := map[string]any{"protected": b64([]byte(cl.headerText(cl.kid, nil))), "signature": "AAAA"}
		cl.raw(cl.kid, encode(t, map[string]any{"payload": "", "signatures": []any{one, one}})).problem(400, "malformed")
	}},
	{"6.2", "no unencoded payload", func(t *testing.T, w *world) {
		cl := w.account(t)
		cl.raw(cl.kid, cl.signText(cl.headerText(cl.kid, map[string]any{"b64": false, "crit": []string{"b64"}}), "", nil)).problem(400, "malformed")
	}},
	{"6.2", "no detached payload", func(t *testing.T, w *world) {
		cl := w.account(t)
		cl.raw(cl.kid, encode(t, map[string]any{"protected": b64([]byte(cl.headerText(cl.kid, nil))), "signature": "AAAA"})).problem(400, "malformed")
	}},
	{"6.2", "alg, nonce, url and a key are needed", func(t *testing.T, w *world) {
		cl := w.account(t)
		for _, name := range []string{"alg", "nonce", "url", "kid"} {
			h := cl.header(cl.kid, map[string]any{"alg": "ES256"})
			delete(h, name)
			typ := "malformed"
			if name == "nonce" {
				typ = "badNonce"
			}
			cl.raw(cl.kid, cl.signText(string(encode(t, h)), "", nil)).problem(400, typ)
		}
	}},
	{"6.2", "jwk and kid exclude each other", func(t *testing.T, w *world) {
		cl := w.account(t)
		cl.postWith(cl.kid, nil, map[string]any{"jwk": jwk(t, cl.key)}).problem(400, "malformed")
	}},
	{"6.2", "newAccount by jwk, the rest by kid", func(t *testing.T, w *world) {
		cl := w.account(t)
		cl.post(cl.base+"new-account", map[string]any{}).problem(400, "malformed")
		for _, u := range []string{cl.kid, cl.kid + "/orders", cl.base + "new-order", cl.base + "order/x", cl.base + "order/x/finalize", cl.base + "authz/x", cl.base + "challenge/x/y", cl.base + "certificate/x", cl.base + "key-change"} {
			cl.postWith(u, nil, map[string]any{"kid": nil, "jwk": jwk(t, cl.key)}).problem(400, "malformed")
		}
	}},
	{"6.2", "the signature is verified first", func(t *testing.T, w *world) {
		cl := w.account(t)
		h := cl.header(cl.kid, map[string]any{"alg": "ES256"})
		cl.raw(cl.kid, rawJWS(t, h, []byte(`{"status":"deactivated"}`), make([]byte, 64), nil)).problem(400, "malformed")
		cl.post(cl.kid, nil).want(http.StatusOK)
	}},
	{"6.2", "no none, no MAC, and the algorithms in the refusal", func(t *testing.T, w *world) {
		cl := w.account(t)
		for _, alg := range []string{"none", "HS256", "HS384", "HS512", "ES256K", "RS1"} {
			r := cl.raw(cl.kid, rawJWS(t, cl.header(cl.kid, map[string]any{"alg": alg}), nil, []byte("x"), nil)).problem(400, "badSignatureAlgorithm")
			p := new(acme.Problem)
			if err := json.Unmarshal(r.body, p); err != nil || !slices.Contains(p.Algorithms, "ES256") || slices.Contains(p.Algorithms, alg) {
				t.Errorf("alg %s: %s", alg, r.body)
			}
		}
	}},
	{"6.2", "ES256 and EdDSA are implemented", func(t *testing.T, w *world) {
		w.account(t) // ES256
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		weaker, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []crypto.Signer{key, weaker} {
			cl := w.client(t)
			cl.key = key
			cl.register()
		}
	}},
	{"6.2", "an unsupported key is badPublicKey", func(t *testing.T, w *world) {
		cl := w.client(t)
		key := map[string]any{"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}
		cl.raw(cl.base+"new-account", rawJWS(t, cl.header(cl.base+"new-account", map[string]any{"alg": "ES256", "jwk": key}), []byte("{}"), make([]byte, 64), nil)).problem(400, "badPublicKey")
	}},
	{"6.3", "GET is 405 but for directory and newNonce", func(t *testing.T, w *world) {
		cl := w.account(t)
		for _, u := range []string{cl.kid, cl.kid + "/orders", cl.base + "new-account", cl.base + "new-order", cl.base + "order/x", cl.base + "order/x/finalize", cl.base + "authz/x",
			cl.base + "challenge/x/y", cl.base + "certificate/x", cl.base + "revoke-cert", cl.base + "key-change"} {
			cl.send(http.MethodGet, u).problem(http.StatusMethodNotAllowed, "malformed")
		}
		cl.send(http.MethodGet, cl.base+"directory").want(http.StatusOK)
		cl.send(http.MethodGet, cl.base+"new-nonce").want(http.StatusNoContent)
	}},
	{"6.3", "POST-as-GET reads, and is authorized", func(t *testing.T, w *world) {
		cl := w.account(t)
		u, order := cl.order("a.example")
		authz, _ := cl.firstChallenge(order)
		for _, u := range []string{cl.kid, cl.kid + "/orders", u, authz} {
			cl.post(u, nil).want(http.StatusOK)
			w.account(t).post(u, nil).problem(403, "unauthorized")
		}
		cl.post(u, []byte("{}")).problem(400, "malformed") // an object is not the empty payload
	}},
	{"6.4", "the url is the request's, else unauthorized", func(t *testing.T, w *world) {
		cl := w.account(t)
		for _, u := range []string{cl.base + "new-order", strings.Replace(cl.kid, "127.0.0.1", "localhost", 1), cl.kid + "x"} {
			cl.postWith(cl.kid, nil, map[string]any{"url": u}).problem(401, "unauthorized")
		}
	}},
	{"6.5", "a nonce in each answer to a POST", func(t *testing.T, w *world) {
		cl := w.account(t)
		_, order := cl.order("a.example")
		for _, r := range []*reply{cl.post(cl.kid, nil), cl.post(cl.base+"new-order", []byte("{}")), cl.post(cl.base+"order/x", nil),
			cl.post(order["authorizations"].([]any)[0].(string), nil), cl.raw(cl.kid, []byte("x")), cl.post(cl.base+"revoke-cert", []byte("{}"))} {
			if r.header.Get("Replay-Nonce") == "" {
				t.Errorf("answer %d %s has no nonce", r.status, r.body)
			}
		}
	}},
	{"6.5", "only nonces of ours, each once", func(t *testing.T, w *world) {
		cl := w.account(t)
		nonce := cl.nonce()
		cl.postWith(cl.kid, nil, map[string]any{"nonce": nonce}).want(http.StatusOK)
		cl.postWith(cl.kid, nil, map[string]any{"nonce": nonce}).problem(400, "badNonce")
		cl.postWith(cl.kid, nil, map[string]any{"nonce": b64(make([]byte, 32))}).problem(400, "badNonce")
	}},
	{"6.5", "badNonce has a nonce that is good", func(t *testing.T, w *world) {
		cl := w.account(t)
		fresh := cl.postWith(cl.kid, nil, map[string]any{"nonce": "AAAA"}).problem(400, "badNonce").header.Get("Replay-Nonce")
		cl.postWith(cl.kid, nil, map[string]any{"nonce": fresh}).want(http.StatusOK)
	}},
	{"6.5.1", "nonces are unique, in base64url", func(t *testing.T, w *world) {
		cl := w.client(t)
		seen := map[string]bool{}
		for range 200 {
			n := cl.send(http.MethodHead, cl.base+"new-nonce").header.Get("Replay-Nonce")
			if raw, err := base64.RawURLEncoding.Strict().DecodeString(n); err != nil || len(raw) < 16 || seen[n] {
				t.Fatalf("nonce %q, seen before: %v", n, seen[n])
			}
			seen[n] = true
		}
	}},
	{"6.5.2", "another encoding of a nonce is malformed", func(t *testing.T, w *world) {
		cl := w.account(t)
		for _, nonce := range []string{"+/+/", "AAAA=", "*"} {
			cl.postWith(cl.kid, nil, map[string]any{"nonce": nonce}).problem(400, "malformed")
		}
	}},
	{"6.6", "rateLimited, with Retry-After", func(t *testing.T, _ *world) {
		w := newWorld(t, nil)
		cl := w.account(t)
		w.v.validate = func(*acme.Validation) (*acme.Attestation, error) {
			return nil, acme.NewProblem(acme.ProblemIncorrectResponse, "no")
		}
		for range 100 {
			_, order := cl.order("a.example")
			_, challenge := cl.firstChallenge(order)
			if r := cl.post(challenge, map[string]any{}); r.status != http.StatusOK {
				if r.problem(http.StatusTooManyRequests, "rateLimited"); r.header.Get("Retry-After") == "" {
					t.Error("no Retry-After")
				}
				return
			}
		}
		t.Error("never limited")
	}},
	{"6.7", "errors are problem documents of registered types", func(t *testing.T, w *world) {
		cl := w.account(t)
		registered := regexp.MustCompile(`^urn:ietf:params:acme:error:(accountDoesNotExist|alreadyReplaced|alreadyRevoked|badCSR|badNonce|badPublicKey|badRevocationReason|` +
			`badSignatureAlgorithm|caa|compound|connection|dns|externalAccountRequired|incorrectResponse|invalidContact|malformed|orderNotReady|rateLimited|` +
			`rejectedIdentifier|serverInternal|tls|unauthorized|unsupportedContact|unsupportedIdentifier|userActionRequired)$`)
		for _, r := range []*reply{cl.post(cl.base+"new-order", []byte("x")), cl.post(cl.base+"order/x", nil), cl.send(http.MethodGet, cl.kid), cl.raw(cl.kid, nil)} {
			p := new(acme.Problem)
			if err := json.Unmarshal(r.body, p); err != nil || !registered.MatchString(p.Type) || p.Detail == "" || r.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("answer %v %s", r.header, r.body)
			}
		}
	}},
	{"6.7.1", "a subproblem for each identifier", func(t *testing.T, w *world) {
		r := w.account(t).post(w.client(t).base+"new-order", map[string]any{"identifiers": ids("a_b.example", "ok.example", "email=x")}).problem(400, "compound")
		p := new(acme.Problem)
		if err := json.Unmarshal(r.body, p); err != nil || len(p.Subproblems) != 2 || p.Subproblems[0].Identifier.Value != "a_b.example" || p.Subproblems[1].Identifier.Value != "x" {
			t.Errorf("problem %s", r.body)
		}
	}},
}

// TestInsecureListenerHasNoACME looks at the listener for plain HTTP, which has the
// root certificates and revocation lists.
func TestInsecureListenerHasNoACME(t *testing.T) {
	t.Parallel()
	address := freeport.Address(t)
	newCAWith(t, new(validator), nil, optionsWith(func(cfg map[string]any) { cfg["insecureAddress"] = address }))
	resp, err := http.Get("http://" + address + "/acme/acme/directory")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("directory by plain HTTP: %d", resp.StatusCode)
	}
}
