package acmeserver_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"stepca/jose"
	"stepca/kv/mem"
	"stepca/store"
)

func TestHostileRevocations(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl, other := newClient(t, c).register(), newClient(t, c).register()
	abroad := newClient(t, c)
	abroad.base = c.URL + "/acme/other/"
	abroad.register()
	u := cl.base + "revoke-cert"
	crt, key, _ := cl.issue("a.example")
	foreign, _, _ := newClient(t, newCA(t, new(validator), nil)).register().issue("a.example")
	lie := *crt // the serial number of ours, in a certificate that is not
	lie.Raw = bytes.Replace(crt.Raw, []byte("a.example"), []byte("b.example"), 2)
	holder, stranger := newClient(t, c), newClient(t, c)
	holder.key = key
	for name, tt := range map[string]struct {
		by      *client
		crt     *x509.Certificate
		reason  any
		status  int
		problem string
	}{
		"by another account":              {other, crt, nil, 403, "unauthorized"},
		"by another key":                  {stranger, crt, nil, 403, "unauthorized"},
		"by an account of nowhere near":   {abroad, crt, nil, 403, "unauthorized"},
		"reason 7":                        {cl, crt, 7, 400, "badRevocationReason"},
		"reason 11":                       {cl, crt, 11, 400, "badRevocationReason"},
		"reason -1":                       {cl, crt, -1, 400, "badRevocationReason"},
		"reason of 19 digits":             {cl, crt, 1234567890123456789, 400, "badRevocationReason"},
		"reason of 30 digits":             {cl, crt, json.RawMessage("123456789012345678901234567890"), 400, "malformed"},
		"reason 1.5":                      {cl, crt, 1.5, 400, "malformed"},
		"reason in words":                 {cl, crt, "keyCompromise", 400, "malformed"},
		"reason as a list":                {cl, crt, []int{1}, 400, "malformed"},
		"a certificate of another CA":     {cl, foreign, nil, 404, "malformed"},
		"the root":                        {cl, c.Root, nil, 404, "malformed"},
		"another one with its serial":     {cl, &lie, nil, 404, "malformed"},
		"another one, by its holder":      {holder, &lie, nil, 404, "malformed"},
		"a certificate of another way":    {cl, c.Issue("z.example").Leaf, nil, 404, "malformed"},
		"the reason of a wrong requester": {other, crt, 7, 403, "unauthorized"},
	} {
		t.Run(name, func(t *testing.T) {
			by := tt.by.in(t)
			by.post(by.base+"revoke-cert", revocationOf(tt.crt, tt.reason)).problem(tt.status, tt.problem)
		})
	}
	for _, text := range []string{"", "AAAA", "MIIB", b64(crt.Raw) + "=", b64(crt.Raw) + "==", b64(crt.Raw)[:20] + "\n" + b64(crt.Raw)[20:], b64(append(crt.Raw[:len(crt.Raw):len(crt.Raw)], 0)),
		b64(crt.Raw[:100]), "-----BEGIN CERTIFICATE-----", b64(make([]byte, 60000))} {
		cl.post(u, map[string]any{"certificate": text}).problem(400, "malformed")
	}
	cl.post(u, nil).problem(400, "malformed")
	cl.post(u, revocationOf(crt, 4)).want(http.StatusOK)
	cl.post(u, revocationOf(crt, 4)).problem(400, "alreadyRevoked")
	holder.post(u, revocationOf(crt, 1)).problem(400, "alreadyRevoked")
	other.post(u, revocationOf(crt, nil)).problem(403, "unauthorized") // learns nothing
}

// innerJWS signs a key change as it is told to.
func (c *client) innerJWS(t *testing.T, payload any, key crypto.Signer, header map[string]any) json.RawMessage {
	t.Helper()
	return json.RawMessage(c.sign(encode(t, payload), key, header))
}

func TestHostileKeyChanges(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl, other := newClient(t, c).register(), newClient(t, c).register()
	u, next := cl.base+"key-change", newKey(t)
	payload := func(change map[string]any) map[string]any {
		m := map[string]any{"account": cl.kid, "oldKey": jwk(t, cl.key)}
		for k, v := range change {
			if m[k] = v; v == nil {
				delete(m, k)
			}
		}
		return m
	}
	header := func(change map[string]any) map[string]any {
		m := map[string]any{"url": u, "jwk": jwk(t, next)}
		for k, v := range change {
			if m[k] = v; v == nil {
				delete(m, k)
			}
		}
		return m
	}
	for name, inner := range map[string]json.RawMessage{
		"wrong url":             cl.innerJWS(t, payload(nil), next, header(map[string]any{"url": cl.base + "new-order"})),
		"no url":                cl.innerJWS(t, payload(nil), next, header(map[string]any{"url": nil})),
		"a nonce":               cl.innerJWS(t, payload(nil), next, header(map[string]any{"nonce": "x"})),
		"no jwk":                cl.innerJWS(t, payload(nil), next, header(map[string]any{"jwk": nil})),
		"kid":                   cl.innerJWS(t, payload(nil), next, header(map[string]any{"jwk": nil, "kid": cl.kid})),
		"kid too":               cl.innerJWS(t, payload(nil), next, header(map[string]any{"kid": cl.kid})),
		"signed by the old key": cl.innerJWS(t, payload(nil), cl.key, header(nil)),
		"another account":       cl.innerJWS(t, payload(map[string]any{"account": other.kid}), next, header(nil)),
		"the account's ID":      cl.innerJWS(t, payload(map[string]any{"account": cl.kid[len(cl.base):]}), next, header(nil)),
		"no account":            cl.innerJWS(t, payload(map[string]any{"account": nil}), next, header(nil)),
		"another oldKey":        cl.innerJWS(t, payload(map[string]any{"oldKey": jwk(t, other.key)}), next, header(nil)),
		"oldKey is the new one": cl.innerJWS(t, payload(map[string]any{"oldKey": jwk(t, next)}), next, header(nil)),
		"oldKey private":        cl.innerJWS(t, payload(map[string]any{"oldKey": &jose.JWK{Key: cl.key}}), next, header(nil)),
		"oldKey a thumbprint":   cl.innerJWS(t, payload(map[string]any{"oldKey": "x"}), next, header(nil)),
		"no oldKey":             cl.innerJWS(t, payload(map[string]any{"oldKey": nil}), next, header(nil)),
		"payload a list":        cl.innerJWS(t, []any{}, next, header(nil)),
		"payload null":          cl.innerJWS(t, json.RawMessage("null"), next, header(nil)),
		"payload empty":         cl.innerJWS(t, nil, next, header(nil)),
		"a member twice":        cl.innerJWS(t, json.RawMessage(`{"account":"x",`+string(encode(t, payload(nil))[1:])), next, header(nil)),
		"an unknown critical":   cl.innerJWS(t, payload(nil), next, header(map[string]any{"crit": []string{"x"}, "x": 1})),
		"not a JWS":             json.RawMessage(`{"account":"` + cl.kid + `"}`),
		"an outer JWS":          json.RawMessage(cl.signText(cl.headerText(u, nil), "{}", nil)),
	} {
		t.Run(name, func(t *testing.T) { cl.in(t).post(u, inner).problem(400, "malformed") })
	}
	t.Run("alg none", func(t *testing.T) {
		inner := rawJWS(t, map[string]any{"alg": "none", "url": u, "jwk": jwk(t, next)}, encode(t, payload(nil)), nil, nil)
		cl.in(t).post(u, inner).problem(400, "badSignatureAlgorithm")
	})
	t.Run("a weak key", func(t *testing.T) {
		inner := rawJWS(t, map[string]any{"alg": "RS256", "url": u, "jwk": map[string]any{"kty": "RSA", "n": "AQAB", "e": "AQAB"}}, encode(t, payload(nil)), nil, nil)
		cl.in(t).post(u, inner).problem(400, "badPublicKey")
	})
	t.Run("by jwk", func(t *testing.T) {
		one := newClient(t, c)
		one.key = cl.key
		one.post(u, cl.innerJWS(t, payload(nil), next, header(nil))).problem(400, "malformed")
	})
	cl.keyChange(cl.key, nil).problem(409, "malformed")
	if r := cl.keyChange(other.key, nil).problem(409, "malformed"); r.header.Get("Location") != other.kid {
		t.Errorf("Location %q, want the account that has the key", r.header.Get("Location"))
	}
	cl.post(cl.kid, nil).want(http.StatusOK) // by its old key, still
	// A key in use at another provisioner is free here.
	abroad := newClient(t, c)
	abroad.base, abroad.key = c.URL+"/acme/other/", next
	abroad.register()
	cl.keyChange(next, nil).want(http.StatusOK)
}

func TestHostileBindings(t *testing.T) {
	t.Parallel()
	engine := mem.New()
	c := newCAWith(t, new(validator), func(p map[string]any) { p["requireEAB"] = true }, onEngine(engine))
	s := store.New(engine, store.Options{})
	key, second := externalKey(t, s, "acme/acme", ""), externalKey(t, s, "acme/acme", "")
	cl := newClient(t, c)
	u := cl.base + "new-account"
	own := encode(t, jwk(t, cl.key))
	text := func(header string, payload []byte, mac []byte) json.RawMessage {
		return encode(t, map[string]any{"protected": b64([]byte(header)), "payload": b64(payload), "signature": b64(mac)})
	}
	mac := func(payload []byte, secret []byte, header map[string]any) json.RawMessage {
		h := map[string]any{"kid": key.ID, "url": u}
		for k, v := range header {
			if h[k] = v; v == nil {
				delete(h, k)
			}
		}
		jws, err := jose.SignHMAC(payload, secret, jose.SignOptions{OmitKeyID: true, Header: h})
		if err != nil {
			t.Fatal(err)
		}
		return encode(t, jws)
	}
	private := encode(t, &jose.JWK{Key: cl.key})
	for name, tt := range map[string]struct {
		binding json.RawMessage
		status  int
		typ     string
	}{
		"null":                       {json.RawMessage("null"), 400, "externalAccountRequired"},
		"a string":                   {json.RawMessage(`"x"`), 400, "malformed"},
		"a list":                     {json.RawMessage(`[]`), 400, "malformed"},
		"empty":                      {json.RawMessage(`{}`), 400, "malformed"},
		"alg none":                   {text(`{"alg":"none","kid":"`+key.ID+`","url":"`+u+`"}`, own, nil), 400, "malformed"},
		"alg ES256":                  {json.RawMessage(cl.sign(own, cl.key, map[string]any{"kid": key.ID, "url": u})), 400, "malformed"},
		"wrong MAC":                  {mac(own, make([]byte, 32), nil), 403, "unauthorized"},
		"no MAC":                     {text(`{"alg":"HS256","kid":"`+key.ID+`","url":"`+u+`"}`, own, nil), 403, "unauthorized"},
		"the other key's MAC":        {mac(own, second.Secret, nil), 403, "unauthorized"},
		"wrong url":                  {mac(own, key.Secret, map[string]any{"url": cl.base + "new-order"}), 400, "malformed"},
		"no url":                     {mac(own, key.Secret, map[string]any{"url": nil}), 400, "malformed"},
		"a nonce":                    {mac(own, key.Secret, map[string]any{"nonce": "x"}), 400, "malformed"},
		"no kid":                     {mac(own, key.Secret, map[string]any{"kid": nil}), 400, "malformed"},
		"unknown kid":                {mac(own, key.Secret, map[string]any{"kid": "x"}), 403, "unauthorized"},
		"a very long kid":            {mac(own, key.Secret, map[string]any{"kid": strings.Repeat("x", 30000)}), 403, "unauthorized"},
		"a kid of another bucket":    {mac(own, key.Secret, map[string]any{"kid": "\x00" + key.ID}), 403, "unauthorized"},
		"an unknown critical":        {mac(own, key.Secret, map[string]any{"crit": []string{"x"}}), 403, "unauthorized"},
		"key of another provisioner": {mac(own, key.Secret, map[string]any{"kid": externalKey(t, s, "acme/other", "").ID}), 403, "unauthorized"},
		"another account key":        {mac(encode(t, jwk(t, newKey(t))), key.Secret, nil), 403, "unauthorized"},
		"a private key":              {mac(private, key.Secret, nil), 400, "malformed"},
		"no key":                     {mac([]byte("{}"), key.Secret, nil), 400, "malformed"},
		"an empty payload":           {mac(nil, key.Secret, nil), 400, "malformed"},
		"an unprotected header":      {json.RawMessage(strings.Replace(string(mac(own, key.Secret, nil)), "{", `{"header":{"x":1},`, 1)), 400, "malformed"},
		"compact":                    {encode(t, "a.b.c"), 400, "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			cl.in(t).post(u, map[string]any{"externalAccountBinding": tt.binding}).problem(tt.status, tt.typ)
		})
	}
	cl.post(u, map[string]any{"onlyReturnExisting": true}).problem(400, "accountDoesNotExist")
	cl.post(u, map[string]any{"externalAccountBinding": mac(own, key.Secret, nil)}).want(http.StatusCreated)
	used := newClient(t, c)
	used.post(u, map[string]any{"externalAccountBinding": used.binding(key, nil)}).problem(403, "unauthorized")
	// Where no binding is asked for, none is verified, and none is reflected.
	free := newClient(t, c)
	free.base = c.URL + "/acme/other/"
	r := free.post(free.base+"new-account", map[string]any{"externalAccountBinding": map[string]any{"x": 1}}).want(http.StatusCreated)
	if r.json()["externalAccountBinding"] != nil {
		t.Errorf("account: %s, want no binding that was not verified", r.body)
	}
}
