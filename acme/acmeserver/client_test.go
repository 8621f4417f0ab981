package acmeserver_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"stepca/acme"
	"stepca/internal/catest"
	"stepca/jose"
	"stepca/server"
)

// validator answers for the network.
type validator struct {
	mu       sync.Mutex
	validate func(*acme.Validation) (*acme.Attestation, error) // nil accepts
	seen     []acme.Validation
}

func (v *validator) Validate(_ context.Context, what *acme.Validation) (*acme.Attestation, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen = append(v.seen, *what)
	if v.validate == nil {
		return nil, nil
	}
	return v.validate(what)
}

// newCA runs a CA with an ACME provisioner "acme", which edit may change, and
// "other".
func newCA(t testing.TB, v acme.Validator, edit func(p map[string]any)) *catest.CA {
	t.Helper()
	return newCAWith(t, v, edit, catest.Options{})
}

func newCAWith(t testing.TB, v acme.Validator, edit func(p map[string]any), opts catest.Options) *catest.CA {
	t.Helper()
	before := opts.Edit
	opts.ACME = server.ACMEOptions{Validator: v}
	opts.Edit = func(cfg map[string]any) {
		p := map[string]any{"type": "ACME", "name": "acme"}
		if edit != nil {
			edit(p)
		}
		authority := cfg["authority"].(map[string]any)
		authority["provisioners"] = append(authority["provisioners"].([]any), p, map[string]any{"type": "ACME", "name": "other"})
		if before != nil {
			before(cfg)
		}
	}
	return catest.New(t, opts)
}

// A client is an ACME client that can also do wrong.
type client struct {
	t    testing.TB
	ca   *catest.CA
	http *http.Client
	base string // https://host/acme/acme/
	key  crypto.Signer
	kid  string

	faulty bool // internal errors are part of the test

	nonces []string
}

func newClient(t testing.TB, c *catest.CA) *client {
	t.Helper()
	return &client{t: t, ca: c, http: c.HTTP(nil), base: c.URL + "/acme/acme/", key: newKey(t)}
}

// in returns the client for a subtest.
func (c *client) in(t testing.TB) *client {
	one := *c
	one.t, one.nonces = t, nil
	return &one
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// A reply is an answer with its body read.
type reply struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
}

func (r *reply) json() map[string]any {
	r.t.Helper()
	m := map[string]any{}
	if err := json.Unmarshal(r.body, &m); err != nil {
		r.t.Fatalf("answer %d %q: %v", r.status, r.body, err)
	}
	return m
}

// want fails unless the answer has a status.
func (r *reply) want(status int) *reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("answer %d %s, want %d", r.status, r.body, status)
	}
	return r
}

// problem fails unless the answer is a problem of a type with a status.
func (r *reply) problem(status int, typ string) *reply {
	r.t.Helper()
	p := new(acme.Problem)
	if err := json.Unmarshal(r.body, p); err != nil || r.status != status || p.Type != acme.ProblemPrefix+typ ||
		r.header.Get("Content-Type") != "application/problem+json" || p.Status != status {
		r.t.Errorf("answer %d %s %s, want problem %d %s", r.status, r.header.Get("Content-Type"), r.body, status, typ)
	}
	return r
}

func (c *client) do(req *http.Request) *reply {
	c.t.Helper()
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if resp.StatusCode == http.StatusInternalServerError && !c.faulty {
		c.t.Errorf("%s %s: internal error %s", req.Method, req.URL, body)
	}
	if n := resp.Header.Get("Replay-Nonce"); n != "" {
		c.nonces = append(c.nonces, n)
	}
	return &reply{c.t, resp.StatusCode, resp.Header, body}
}

func (c *client) send(method, u string) *reply {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, u, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.do(req)
}

func (c *client) nonce() string {
	c.t.Helper()
	if len(c.nonces) == 0 {
		c.send(http.MethodHead, c.base+"new-nonce")
	}
	n := c.nonces[len(c.nonces)-1]
	c.nonces = c.nonces[:len(c.nonces)-1]
	return n
}

// header returns a protected header; entries of change replace the right ones, and
// nil removes them.
func (c *client) header(u string, change map[string]any) map[string]any {
	h := map[string]any{"url": u}
	if c.kid != "" {
		h["kid"] = c.kid
	} else {
		h["jwk"] = jwk(c.t, c.key)
	}
	if _, ok := change["nonce"]; !ok {
		h["nonce"] = c.nonce()
	}
	for k, v := range change {
		if h[k] = v; v == nil {
			delete(h, k)
		}
	}
	return h
}

func jwk(t testing.TB, key crypto.Signer) *jose.JWK {
	t.Helper()
	return &jose.JWK{Key: key.Public()}
}

func (c *client) sign(payload []byte, key crypto.Signer, header map[string]any) []byte {
	c.t.Helper()
	jws, err := jose.Sign(payload, key, jose.SignOptions{OmitKeyID: true, Header: header})
	if err != nil {
		c.t.Fatal(err)
	}
	data, err := json.Marshal(jws)
	if err != nil {
		c.t.Fatal(err)
	}
	return data
}

func encode(t testing.TB, payload any) []byte {
	t.Helper()
	switch p := payload.(type) {
	case nil:
		return nil
	case []byte:
		return p
	}
	data, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// post signs a payload (nil for POST-as-GET) and sends it.
func (c *client) post(u string, payload any) *reply {
	c.t.Helper()
	return c.postWith(u, payload, nil)
}

func (c *client) postWith(u string, payload any, change map[string]any) *reply {
	c.t.Helper()
	return c.raw(u, c.sign(encode(c.t, payload), c.key, c.header(u, change)))
}

func (c *client) raw(u string, body []byte) *reply {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, u, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/jose+json")
	return c.do(req)
}

// register creates the account.
func (c *client) register() *client {
	c.t.Helper()
	r := c.post(c.base+"new-account", map[string]any{"termsOfServiceAgreed": true}).want(http.StatusCreated)
	c.kid = r.header.Get("Location")
	return c
}

func ids(names ...string) []map[string]string {
	var list []map[string]string
	for _, n := range names {
		typ, value, ok := strings.Cut(n, "=")
		if !ok {
			typ, value = "dns", n
		}
		list = append(list, map[string]string{"type": typ, "value": value})
	}
	return list
}

// order creates an order.
func (c *client) order(names ...string) (u string, order map[string]any) {
	c.t.Helper()
	r := c.post(c.base+"new-order", map[string]any{"identifiers": ids(names...)}).want(http.StatusCreated)
	return r.header.Get("Location"), r.json()
}

// prove answers the first challenge of each authorization.
func (c *client) prove(order map[string]any) {
	c.t.Helper()
	for _, a := range order["authorizations"].([]any) {
		authz := c.post(a.(string), nil).want(http.StatusOK).json()
		first := authz["challenges"].([]any)[0].(map[string]any)
		got := c.post(first["url"].(string), map[string]any{}).want(http.StatusOK).json()
		switch got["status"] {
		case "valid":
		case "processing": // the machine is busy
			c.becomesValid(a.(string))
		default:
			c.t.Fatalf("challenge %v, want it valid", got)
		}
	}
}

func csr(t testing.TB, key crypto.Signer, names ...string) string {
	t.Helper()
	return encodeCSR(t, key, &x509.CertificateRequest{DNSNames: names})
}

func encodeCSR(t testing.TB, key crypto.Signer, tmpl *x509.CertificateRequest) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, tmpl, key)
	if err != nil {
		t.Fatal(err)
	}
	return b64(der)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// issue gets a certificate and returns it with its key and the order's URL.
func (c *client) issue(names ...string) (*x509.Certificate, *ecdsa.PrivateKey, string) {
	c.t.Helper()
	u, order := c.order(names...)
	c.prove(order)
	key := newKey(c.t)
	done := c.post(order["finalize"].(string), map[string]any{"csr": csr(c.t, key, names...)}).want(http.StatusOK).json()
	if done["status"] != "valid" {
		c.t.Fatalf("finalized order %v, want it valid", done)
	}
	chain := parseChain(c.t, c.post(done["certificate"].(string), nil).want(http.StatusOK).body)
	return chain[0], key, u
}

func parseChain(t testing.TB, data []byte) []*x509.Certificate {
	t.Helper()
	var chain []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		crt, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, crt)
	}
	if len(chain) == 0 {
		t.Fatalf("no certificate in %q", data)
	}
	return chain
}

// blocking validates when its channel is closed.
type blocking struct{ release chan struct{} }

func (b blocking) Validate(ctx context.Context, _ *acme.Validation) (*acme.Attestation, error) {
	select {
	case <-b.release:
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
