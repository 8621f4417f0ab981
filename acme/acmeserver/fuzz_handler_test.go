package acmeserver_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"stepca/acme"
	"stepca/internal/catest"
)

// A fuzzer is an account at a CA that judges each answer.
type fuzzer struct {
	*client
	pending, ready   map[string]any // orders
	authz, challenge string         // of pending
}

func newFuzzer(f *testing.F) *fuzzer {
	f.Helper()
	c := newCAWith(f, new(validator), nil, catest.Options{Log: slog.New(slog.DiscardHandler), Stderr: io.Discard})
	z := &fuzzer{client: newClient(f, c)}
	z.renew()
	return z
}

// renew makes what answers refer to, again.
func (z *fuzzer) renew() {
	z.key, z.kid, z.nonces = newKey(z.t), "", nil
	z.register()
	_, z.pending = z.order("a.example")
	z.authz, z.challenge = z.firstChallenge(z.pending)
	z.renewReady()
}

func (z *fuzzer) renewReady() {
	_, z.ready = z.order("a.example")
	z.prove(z.ready)
}

// urls are those of all resources that read a JWS.
func (z *fuzzer) urls() []string {
	return []string{
		z.base + "new-account", z.base + "new-order", z.base + "new-authz", z.kid, z.kid + "/orders", z.base + "order/" + z.pending["id"].(string), z.authz,
		z.challenge, z.ready["finalize"].(string), z.base + "revoke-cert", z.base + "key-change", z.base + "certificate/x",
	}
}

// judge fails the test for an answer that no request should get.
func (z *fuzzer) judge(t *testing.T, what string, r *reply) {
	t.Helper()
	if r.header.Get("Replay-Nonce") == "" {
		t.Errorf("%s: %d %s without a nonce", what, r.status, r.body)
	}
	if r.status < http.StatusBadRequest {
		if len(r.body) > 0 && !json.Valid(r.body) {
			t.Errorf("%s: answer %q", what, r.body)
		}
		return
	}
	p := new(acme.Problem)
	if err := json.Unmarshal(r.body, p); err != nil || r.status >= http.StatusInternalServerError || p.Status != r.status || !strings.HasPrefix(p.Type, acme.ProblemPrefix) {
		t.Errorf("%s: %d %s", what, r.status, r.body)
	}
	if len(r.body) > 64<<10 {
		t.Errorf("%s: an answer of %d bytes", what, len(r.body))
	}
}

// FuzzJWS sends bodies, as they are or signed with a protected header in which
// NONCE, URL, KID and JWK stand for the right values.
func FuzzJWS(f *testing.F) {
	z := newFuzzer(f)
	f.Add(byte(3), false, `{"alg":"ES256","nonce":"NONCE","url":"URL","kid":"KID"}`, "")
	f.Add(byte(0), false, `{"alg":"ES256","nonce":"NONCE","url":"URL","jwk":JWK}`, "{}")
	f.Add(byte(1), false, `{"alg":"ES256","nonce":"NONCE","url":"URL","kid":"KID","crit":["exp"],"exp":1}`, orderPayload)
	f.Add(byte(1), false, `{"alg":"none","nonce":"NONCE","url":"URL","kid":"KID","jwk":JWK}`, orderPayload)
	f.Add(byte(9), false, `{"alg":"RS256","nonce":"NONCE","url":"URL","jwk":{"kty":"RSA","n":"AQAB","e":"AQAB"}}`, "{}")
	f.Add(byte(10), false, `{"alg":"ES256","nonce":"NONCE","url":"URL","kid":"KID"}`, `{"protected":"e30","payload":"e30","signature":"AAAA"}`)
	f.Add(byte(1), true, `{"protected":"e30","payload":"","signature":""}`, "")
	f.Add(byte(1), true, `{"payload":"","signatures":[{"protected":"e30","signature":"AAAA","header":{}}]}`, "")
	f.Add(byte(1), true, "e30.e30.AAAA", "")
	f.Add(byte(1), true, "", "")
	f.Fuzz(func(t *testing.T, route byte, raw bool, header, payload string) {
		z.t = t
		urls := z.urls()
		u := urls[int(route)%len(urls)]
		body := []byte(header)
		if !raw {
			key, _ := json.Marshal(jwk(t, z.key))
			header = strings.NewReplacer("NONCE", z.nonce(), "URL", u, "KID", z.kid, "JWK", string(key)).Replace(header)
			body = z.signText(header, payload, nil)
		}
		r := z.raw(u, body)
		if z.judge(t, u+" "+string(body), r); r.status == http.StatusUnauthorized && z.post(z.kid, nil).status != http.StatusOK {
			z.renew() // it has deactivated itself
		}
	})
}

// FuzzPayload sends payloads, well signed, to each resource.
func FuzzPayload(f *testing.F) {
	z := newFuzzer(f)
	crt, key, _ := z.issue("a.example")
	inner := z.sign([]byte(`{"account":"`+z.kid+`","oldKey":{}}`), key, map[string]any{"url": z.base + "key-change", "jwk": jwk(f, key)})
	for i, payload := range []string{
		`{"contact":["mailto:a@x.example"],"termsOfServiceAgreed":true,"onlyReturnExisting":false,"externalAccountBinding":{}}`,
		`{"identifiers":[{"type":"dns","value":"a.example"},{"type":"ip","value":"::1"}],"notBefore":"2026-01-01T00:00:00Z","notAfter":"2026-01-02T00:00:00Z","replaces":"AA.AA","profile":"x"}`,
		`{"identifier":{"type":"dns","value":"a.example"}}`, `{"contact":[],"status":"valid"}`, ``, ``, `{"status":"deactivated"}`, `{"attObj":"AAAA"}`,
		`{"csr":"` + csr(f, key, "a.example") + `"}`, `{"certificate":"` + b64(crt.Raw) + `","reason":7}`, string(inner), ``,
	} {
		f.Add(byte(i), payload)
	}
	f.Fuzz(func(t *testing.T, route byte, payload string) {
		z.t = t
		urls := z.urls()
		u := urls[int(route)%len(urls)]
		kid := z.kid
		if u == urls[0] {
			z.kid = ""
		}
		r := z.post(u, []byte(payload))
		z.kid = kid
		z.judge(t, u+" "+payload, r)
		switch {
		case r.status == http.StatusOK && u == z.ready["finalize"]:
			z.renewReady()
		case r.status == http.StatusOK && (u == z.kid || u == z.authz || u == urls[10]):
			z.renew()
		}
	})
}

// FuzzIdentifier orders names.
func FuzzIdentifier(f *testing.F) {
	z := newFuzzer(f)
	for _, value := range []string{"a.example", "*.a.example", "bücher.example", "xn--bcher-kva.example", "a.example.", "*", "192.0.2.1", "::ffff:1.2.3.4", "fe80::1%1", "a_b", strings.Repeat("a.", 130), "0x7f.1", "１.2.3.4", "\x00"} {
		f.Add("dns", value)
		f.Add("ip", value)
		f.Add("permanent-identifier", value)
	}
	f.Fuzz(func(t *testing.T, typ, value string) {
		z.t = t
		r := z.post(z.base+"new-order", map[string]any{"identifiers": []map[string]string{{"type": typ, "value": value}}})
		z.judge(t, typ+" "+value, r)
		switch r.status {
		case http.StatusCreated:
			got := r.json()["identifiers"].([]any)[0].(map[string]any)
			again := z.post(z.base+"new-order", map[string]any{"identifiers": []any{got}})
			if again.status == http.StatusCreated && again.json()["identifiers"].([]any)[0].(map[string]any)["value"] != got["value"] {
				t.Errorf("%q became %v, and that another name: %s", value, got, again.body)
			} else if again.status == http.StatusBadRequest {
				t.Errorf("%q became %v, which is refused: %s", value, got, again.body)
			}
		case http.StatusBadRequest:
			if subs, _ := r.json()["subproblems"].([]any); len(subs) != 1 {
				t.Errorf("%q %q: %s, want one subproblem", typ, value, r.body)
			}
		}
	})
}

// FuzzFinalize sends certificate requests for an order for a.example. What is issued
// is for that name, and for the key of the request.
func FuzzFinalize(f *testing.F) {
	z := newFuzzer(f)
	key := newKey(f)
	for _, tmpl := range []x509.CertificateRequest{
		{DNSNames: []string{"a.example"}}, {Subject: pkix.Name{CommonName: "A.example"}}, {DNSNames: []string{"a.example", "b.example"}}, {},
		{DNSNames: []string{"a.example"}, IPAddresses: []net.IP{net.IPv6loopback}}, {DNSNames: []string{"a.example"}, EmailAddresses: []string{"a@a.example"}},
		{DNSNames: []string{"a.example"}, URIs: []*url.URL{{Scheme: "urn", Opaque: "x"}}},
		{DNSNames: []string{"a.example"}, ExtraExtensions: []pkix.Extension{{Id: []int{2, 5, 29, 19}, Value: []byte{0x30, 3, 1, 1, 0xff}}}},
	} {
		der, err := x509.CreateCertificateRequest(nil, &tmpl, key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
	}
	f.Add([]byte{0x30, 0x80})
	f.Fuzz(func(t *testing.T, der []byte) {
		z.t = t
		r := z.post(z.ready["finalize"].(string), map[string]any{"csr": b64(der)})
		if z.judge(t, b64(der), r); r.status != http.StatusOK {
			return
		}
		leaf := parseChain(t, z.post(r.json()["certificate"].(string), nil).want(http.StatusOK).body)[0]
		request, err := x509.ParseCertificateRequest(der)
		if err != nil || string(request.RawSubjectPublicKeyInfo) != string(leaf.RawSubjectPublicKeyInfo) || len(leaf.DNSNames) != 1 || leaf.DNSNames[0] != "a.example" ||
			len(leaf.IPAddresses)+len(leaf.EmailAddresses)+len(leaf.URIs) != 0 || leaf.IsCA {
			t.Errorf("request %x (%v) became %x", der, err, leaf.Raw)
		}
		z.renewReady()
	})
}
