package acmeserver

import (
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stepca/acme"
	"stepca/ca"
	"stepca/kv/mem"
	"stepca/provisioner"
	"stepca/store"
)

// fuzzServer answers requests without a certificate authority behind it.
func fuzzServer(t testing.TB) *Server {
	t.Helper()
	b, err := NewBackend(t.Context(), BackendConfig{Store: store.New(mem.New(), store.Options{})})
	if err != nil {
		t.Fatal(err)
	}
	p, err := provisioner.Parse([]byte(`{"type":"ACME","name":"acme"}`))
	if err != nil {
		t.Fatal(err)
	}
	c, err := provisioner.NewCollection([]provisioner.Provisioner{p}, provisioner.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return New(b, Config{Provisioners: c, Hosts: []string{"ca.example"}})
}

// FuzzRequest sends bodies to the endpoints that read a JWS. None is signed well,
// so none is answered with success.
func FuzzRequest(f *testing.F) {
	s := fuzzServer(f)
	protected := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","nonce":"` + s.nonces.issue() +
		`","url":"https://ca.example/acme/acme/new-account","jwk":{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}}`))
	f.Add("new-account", `{"protected":"`+protected+`","payload":"e30","signature":"AAAA"}`)
	f.Add("new-order", `{"protected":"e30","payload":"","signature":""}`)
	f.Add("account/x/orders?cursor=x", `a.b.c`)
	f.Add("challenge/a/b", `{"signatures":[{"protected":"e30"}]}`)
	f.Add("certificate/%2f/1", ``)
	f.Fuzz(func(t *testing.T, path, body string) {
		if strings.ContainsAny(path, " \r\n\x00#") || len(path) > 200 {
			return
		}
		r, err := http.NewRequest(http.MethodPost, "https://ca.example/acme/acme/"+path, strings.NewReader(body))
		if err != nil {
			return
		}
		r.Header.Set("Content-Type", "application/jose+json")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code < 400 {
			t.Errorf("POST %q %q: %d %s", path, body, w.Code, w.Body)
		}
	})
}

func FuzzCSR(f *testing.F) {
	f.Add("AAAA")
	f.Add("MIG=")
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, tmpl := range []x509.CertificateRequest{{DNSNames: []string{"a.example"}}, {DNSNames: []string{"A.example", "b.example"}}, {Subject: pkix.Name{CommonName: "127.0.0.1"}}} {
		der, err := x509.CreateCertificateRequest(nil, &tmpl, key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(base64.RawURLEncoding.EncodeToString(der))
	}
	o := &acme.Order{Identifiers: []acme.Identifier{{Type: ca.DNS, Value: "a.example"}}, Expires: time.Now()}
	f.Fuzz(func(t *testing.T, s string) {
		csr, err := parseCSR(s)
		if err != nil {
			return
		}
		if names, err := matchCSR(csr, o); err == nil && (len(names) != 1 || names[0].Value != "a.example") {
			t.Errorf("a request for %v matched an order for a.example", names)
		}
	})
}
