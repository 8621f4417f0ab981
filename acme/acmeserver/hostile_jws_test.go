package acmeserver_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"stepca/internal/catest"
	"stepca/kv/mem"
)

// signText signs a protected header and a payload as they are, by ES256. Entries of
// extra are further members of the JWS.
func (c *client) signText(header, payload string, extra map[string]any) []byte {
	c.t.Helper()
	protected, body := b64([]byte(header)), b64([]byte(payload))
	digest := sha256.Sum256([]byte(protected + "." + body))
	r, s, err := ecdsa.Sign(rand.Reader, c.key.(*ecdsa.PrivateKey), digest[:])
	if err != nil {
		c.t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	m := map[string]any{"protected": protected, "payload": body, "signature": b64(signature)}
	maps.Copy(m, extra)
	return encode(c.t, m)
}

// headerText is the right protected header for a URL, as text.
func (c *client) headerText(u string, change map[string]any) string {
	h := c.header(u, change)
	if _, ok := h["alg"]; !ok {
		h["alg"] = "ES256"
	}
	return string(encode(c.t, h))
}

const orderPayload = `{"identifiers":[{"type":"dns","value":"a.example"}]}`

func TestHostileNonces(t *testing.T) {
	t.Parallel()
	engine := mem.New()
	c := newCAWith(t, new(validator), nil, onEngine(engine))
	after := newCAWith(t, new(validator), nil, onEngine(engine)) // the same database, as after a restart
	stranger := newCA(t, new(validator), nil)
	cl := newClient(t, c).register()
	u := cl.base + "new-order"
	withNonce := func(t *testing.T, nonce any) *reply {
		cl := cl.in(t)
		return cl.raw(u, cl.signText(cl.headerText(u, map[string]any{"nonce": nonce}), orderPayload, nil))
	}
	t.Run("of another CA", func(t *testing.T) {
		withNonce(t, newClient(t, stranger).nonce()).problem(400, "badNonce")
	})
	t.Run("from before a restart", func(t *testing.T) {
		restarted := newClient(t, after)
		restarted.key, restarted.kid = cl.key, restarted.base+cl.kid[len(cl.base):]
		restarted.postWith(restarted.base+"new-order", []byte(orderPayload), map[string]any{"nonce": cl.nonce()}).problem(400, "badNonce")
		restarted.post(restarted.base+"new-order", []byte(orderPayload)).want(http.StatusCreated)
	})
	t.Run("of another provisioner, once", func(t *testing.T) {
		r := cl.in(t).send(http.MethodHead, c.URL+"/acme/other/new-nonce")
		nonce := r.header.Get("Replay-Nonce")
		withNonce(t, nonce).want(http.StatusCreated)
		withNonce(t, nonce).problem(400, "badNonce")
	})
	t.Run("spent by a refused request", func(t *testing.T) {
		nonce := cl.nonce()
		cl.in(t).postWith(u, []byte("{}"), map[string]any{"nonce": nonce}).problem(400, "malformed")
		withNonce(t, nonce).problem(400, "badNonce")
	})
	good := cl.nonce()
	for name, tt := range map[string]struct {
		nonce any
		typ   string
	}{
		"empty": {"", "badNonce"}, "null": {json.RawMessage("null"), "badNonce"}, "half of one": {good[:20], "badNonce"}, "very long": {strings.Repeat("A", 60000), "badNonce"},
		"padded": {good + "=", "malformed"}, "in standard base64": {"++//" + good[4:], "malformed"}, "with a line break": {good[:20] + "\n" + good[20:], "malformed"},
		"not base64": {"*", "malformed"}, "a number": {7, "malformed"}, "a list": {[]string{good}, "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			if r := withNonce(t, tt.nonce).problem(400, tt.typ); r.header.Get("Replay-Nonce") == "" {
				t.Error("no fresh nonce in the refusal")
			}
		})
	}
	withNonce(t, good).want(http.StatusCreated) // none of them spent it
}

func TestHostileURLs(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl := newClient(t, c).register()
	u := cl.base + "new-order"
	host := strings.TrimPrefix(c.URL, "https://")
	for _, signed := range []string{
		strings.Replace(u, host, "evil.example", 1), strings.Replace(u, host, "127.0.0.1", 1), strings.Replace(u, host, host+"0", 1),
		strings.Replace(u, "https:", "http:", 1), strings.Replace(u, "https:", "HTTPS:", 1), strings.Replace(u, "https://", "https://user@", 1),
		u + "?x=1", u + "#x", u + "/", cl.base + "NEW-ORDER", cl.base + "new%2Dorder", cl.base + "./new-order", " " + u, u + "\x00",
		strings.TrimPrefix(u, c.URL), "new-order", c.URL + "/acme/other/new-order", strings.Repeat("x", 50000),
	} {
		r := cl.postWith(u, []byte(orderPayload), map[string]any{"url": signed}).problem(401, "unauthorized")
		if len(r.body) > 2000 {
			t.Errorf("the refusal of a url of %d bytes has %d", len(signed), len(r.body))
		}
	}
	cl.raw(u, cl.signText(cl.headerText(u, map[string]any{"url": 7}), orderPayload, nil)).problem(400, "malformed")
	cl.postWith(u+"?x=1", []byte(orderPayload), map[string]any{"url": u + "?x=2"}).problem(401, "unauthorized")
}

func TestHostileHeaders(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl := newClient(t, c).register()
	u := cl.base + "new-order"
	insert := func(member string) string {
		return "{" + member + "," + cl.headerText(u, nil)[1:]
	}
	for name, tt := range map[string]struct{ header, typ string }{
		"alg twice":            {insert(`"alg":"ES256"`), "malformed"},
		"alg none first":       {insert(`"alg":"none"`), "malformed"},
		"nonce twice":          {insert(`"nonce":"x"`), "malformed"},
		"url twice":            {insert(`"url":"` + u + `"`), "malformed"},
		"kid twice":            {insert(`"kid":"x"`), "malformed"},
		"critical b64":         {insert(`"b64":false,"crit":["b64"]`), "malformed"},
		"no critical members":  {insert(`"crit":[]`), "malformed"},
		"crit of another type": {insert(`"crit":"b64"`), "malformed"},
		"alg in another case":  {strings.Replace(insert(`"x":1`), "ES256", "es256", 1), "badSignatureAlgorithm"},
		"name in another case": {strings.Replace(insert(`"x":1`), `"alg"`, `"ALG"`, 1), "malformed"},
		"not an object":        {"[]", "malformed"},
		"nothing":              {"", "malformed"},
		"two objects":          {insert(`"x":1`) + "{}", "malformed"},
		"nested too deep":      {insert(`"x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000)), "malformed"},
		"too large":            {insert(`"x":"` + strings.Repeat("x", 70000) + `"`), "malformed"},
		"invalid UTF-8 in kid": {strings.Replace(insert(`"x":1`), "/account/", "/account/\xff", 1), "accountDoesNotExist"},
	} {
		t.Run(name, func(t *testing.T) { cl.in(t).raw(u, cl.signText(tt.header, orderPayload, nil)).problem(400, tt.typ) })
	}
	t.Run("unknown members", func(t *testing.T) {
		cl.raw(u, cl.signText(insert(`"typ":"x","foo":{"bar":[1]}`), orderPayload, nil)).want(http.StatusCreated)
	})
}

func TestHostileKeyIDs(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	stranger := newClient(t, newCA(t, new(validator), nil)).register()
	cl, other := newClient(t, c).register(), newClient(t, c).register()
	u := cl.base + "new-order"
	id := strings.TrimPrefix(cl.kid, cl.base+"account/")
	for name, tt := range map[string]struct {
		kid    string
		status int
		typ    string
	}{
		"another account's":       {other.kid, 400, "malformed"}, // its key did not sign
		"another CA's":            {stranger.kid, 400, "accountDoesNotExist"},
		"of another host":         {"https://evil.example/acme/acme/account/" + id, 401, "unauthorized"},
		"by http":                 {strings.Replace(cl.kid, "https:", "http:", 1), 401, "unauthorized"},
		"with a query":            {cl.kid + "?x", 401, "unauthorized"},
		"with a fragment":         {cl.kid + "#x", 401, "unauthorized"},
		"with more path":          {cl.kid + "/orders", 401, "unauthorized"},
		"climbing":                {cl.base + "account/../account/" + id, 401, "unauthorized"},
		"escaped":                 {cl.base + "account/%2e%2e", 400, "accountDoesNotExist"},
		"escaped NUL":             {cl.base + "account/%00", 400, "accountDoesNotExist"},
		"of an order":             {cl.base + "order/" + id, 401, "unauthorized"},
		"no URL":                  {":", 401, "unauthorized"},
		"of no account":           {cl.base + "account/", 401, "unauthorized"},
		"very long":               {cl.base + "account/" + strings.Repeat("x", 40000), 400, "accountDoesNotExist"},
		"a part of the ID":        {cl.kid[:len(cl.kid)-1], 400, "accountDoesNotExist"},
		"the ID in another case":  {cl.base + "account/" + swapCase(id), 400, "accountDoesNotExist"},
		"of another provisioner":  {c.URL + "/acme/other/account/" + id, 401, "unauthorized"},
		"of no ACME provisioner":  {c.URL + "/acme/admin/account/" + id, 401, "unauthorized"},
		"the other prefix, wrong": {c.URL + "/3.0/acme/acme/account/" + id, 401, "unauthorized"},
	} {
		t.Run(name, func(t *testing.T) {
			cl.in(t).postWith(u, []byte(orderPayload), map[string]any{"kid": tt.kid}).problem(tt.status, tt.typ)
		})
	}
}

func swapCase(s string) string {
	if l := strings.ToLower(s); l != s {
		return l
	}
	return strings.ToUpper(s)
}

func TestHostileSerializations(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl := newClient(t, c).register()
	u := cl.base + "new-order"
	parts := func() (protected, payload, signature string) {
		var m struct{ Protected, Payload, Signature string }
		if err := json.Unmarshal(cl.signText(cl.headerText(u, nil), orderPayload, nil), &m); err != nil {
			t.Fatal(err)
		}
		return m.Protected, m.Payload, m.Signature
	}
	jws := func(protected, payload, signature string) []byte {
		return encode(t, map[string]any{"protected": protected, "payload": payload, "signature": signature})
	}
	pr, pa, si := parts()
	for name, body := range map[string]string{
		"payload padded":         string(jws(pr, pa+"=", si)),
		"signature padded":       string(jws(pr, pa, si+"==")),
		"header padded":          string(jws(pr+"=", pa, si)),
		"payload broken":         string(jws(pr, pa[:4]+"\n"+pa[4:], si)),
		"payload spaced":         string(jws(pr, " "+pa, si)),
		"standard base64":        string(jws(pr, "++//", si)),
		"stray bits":             string(jws(pr, "AB", si)),
		"detached payload":       `{"protected":"` + pr + `","signature":"` + si + `"}`,
		"payload null":           `{"protected":"` + pr + `","payload":null,"signature":"` + si + `"}`,
		"payload a number":       `{"protected":"` + pr + `","payload":1,"signature":"` + si + `"}`,
		"payload twice":          `{"protected":"` + pr + `","payload":"","payload":"` + pa + `","signature":"` + si + `"}`,
		"signature missing":      `{"protected":"` + pr + `","payload":"` + pa + `"}`,
		"empty unprotected":      `{"protected":"` + pr + `","payload":"` + pa + `","signature":"` + si + `","header":{}}`,
		"unprotected null":       `{"protected":"` + pr + `","payload":"` + pa + `","signature":"` + si + `","header":null}`,
		"no signatures":          `{"payload":"` + pa + `","signatures":[]}`,
		"two signatures":         `{"payload":"` + pa + `","signatures":[{"protected":"` + pr + `","signature":"` + si + `"},{"protected":"` + pr + `","signature":"` + si + `"}]}`,
		"both forms":             `{"protected":"` + pr + `","payload":"` + pa + `","signature":"` + si + `","signatures":[{"protected":"` + pr + `","signature":"` + si + `"}]}`,
		"unprotected in general": `{"payload":"` + pa + `","signatures":[{"protected":"` + pr + `","signature":"` + si + `","header":{"kid":"x"}}]}`,
		"text after it":          string(jws(pr, pa, si)) + "x",
		"two of them":            string(jws(pr, pa, si)) + string(jws(pr, pa, si)),
		"four parts":             pr + "." + pa + "." + si + "." + si,
		"nested arrays":          strings.Repeat("[", 120000),
		"nested header":          `{"protected":"` + pr + `","payload":"","signature":"","header":` + strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20000) + "}",
		"NUL":                    "\x00",
	} {
		t.Run(name, func(t *testing.T) {
			if r := cl.in(t).raw(u, []byte(body)).problem(400, "malformed"); r.header.Get("Replay-Nonce") == "" {
				t.Error("no nonce in the refusal")
			}
		})
	}
	// Compatible: clients of the reference may send these.
	pr, pa, si = parts()
	cl.raw(u, []byte(`{"payload":"`+pa+`","signatures":[{"protected":"`+pr+`","signature":"`+si+`"}]}`)).want(http.StatusCreated)
	pr, pa, si = parts()
	cl.raw(u, []byte(pr+"."+pa+"."+si)).want(http.StatusCreated)
}

func TestHostileBodySize(t *testing.T) {
	t.Parallel()
	cl := newClient(t, catestCA(t))
	sent := new(endless)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, cl.base+"new-account", sent)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/jose+json")
	if resp, err := cl.http.Do(req); err == nil { // the server may hang up before it is done
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d, want 413", resp.StatusCode)
		}
	}
	if taken := sent.taken.Load(); taken > 16<<20 {
		t.Errorf("the server took %d bytes", taken)
	}
}

func catestCA(t *testing.T) *catest.CA {
	t.Helper()
	return newCA(t, new(validator), nil)
}

// endless is a body without an end. The transport may read it after its request was
// answered.
type endless struct{ taken atomic.Int64 }

func (e *endless) Read(p []byte) (int, error) {
	e.taken.Add(int64(len(p)))
	return len(p), nil
}
