package client_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"stepca/client"
)

// enroll returns an identity that an own token paid for.
func enroll(t *testing.T, f *fakeCA, name string, cfg client.IdentityConfig) *client.Identity {
	t.Helper()
	token := f.token(t, name)
	c, err := client.Bootstrap(t.Context(), token, client.Config{})
	if err != nil {
		t.Fatal(err)
	}
	id, err := c.Enroll(t.Context(), token, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { id.Close() })
	return id
}

func TestEnroll(t *testing.T) {
	t.Parallel()
	f := newFakeCA(t)
	id := enroll(t, f, "a.local", client.IdentityConfig{})
	want := "GET /root/" + client.Fingerprint(f.root) + ", POST /sign, GET /roots"
	if got := f.took(); got != want {
		t.Errorf("calls: %s\nwant:  %s", got, want)
	}
	crt := id.Certificate()
	if crt.Leaf.Subject.CommonName != "a.local" || len(crt.Certificate) != 2 {
		t.Errorf("certificate for %s with a chain of %d, want a.local and 2", crt.Leaf.Subject, len(crt.Certificate))
	}
	if _, err := crt.Leaf.Verify(x509.VerifyOptions{Roots: id.Roots(), Intermediates: intermediates(f)}); err != nil {
		t.Error(err)
	}
}

func intermediates(f *fakeCA) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(f.issuer)
	return p
}

// Two programs that know nothing but a token each talk to each other over
// HTTP/2 with certificates on both sides.
func TestMutualTLS(t *testing.T) {
	t.Parallel()
	f := newFakeCA(t)
	server := enroll(t, f, "localhost", client.IdentityConfig{})
	peer := enroll(t, f, "peer.local", client.IdentityConfig{})
	url := serve(t, server, nil)

	for range 2 {
		resp, err := peer.HTTPClient().Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if got, want := string(body), "HTTP/2.0 peer.local"; got != want {
			t.Errorf("server saw %q, want %q", got, want)
		}
	}
	anonymous := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: peer.Roots()}}}
	if _, err := anonymous.Get(url); err == nil {
		t.Error("a client without certificate got through")
	}
	lax := serve(t, server, &tls.Config{ClientAuth: tls.VerifyClientCertIfGiven})
	resp, err := anonymous.Get(lax)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

// serve starts a server that answers with the protocol and the client's name.
func serve(t *testing.T, id *client.Identity, base *tls.Config) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{
		TLSConfig: id.ServerTLS(base),
		ErrorLog:  log.New(io.Discard, "", 0), // refused handshakes are part of the tests
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			name := "nobody"
			if len(r.TLS.PeerCertificates) > 0 {
				name = r.TLS.PeerCertificates[0].Subject.CommonName
			}
			io.WriteString(w, r.Proto+" "+name)
		}),
	}
	go srv.ServeTLS(l, "", "")
	t.Cleanup(func() { srv.Close() })
	return "https://" + strings.Replace(l.Addr().String(), "127.0.0.1", "localhost", 1)
}

// A certificate that expired while the program slept is renewed with a token,
// and the handshake that found it waits for the new one.
func TestRenewAfterExpiry(t *testing.T) {
	t.Parallel()
	f := newFakeCA(t)
	key := newKey(t)
	template := leafTemplate("localhost", -time.Second)
	template.NotBefore = time.Now().Add(-time.Hour)
	leaf := f.certify(t, template, f.issuer, key.Public(), f.key)
	c, err := client.New(t.Context(), f.URL, client.Config{Roots: []*x509.Certificate{f.root}})
	if err != nil {
		t.Fatal(err)
	}
	// The clock says half an hour ago until the identity is made.
	clock := &movableClock{offset: -30 * time.Minute}
	id, err := c.Identity(t.Context(), &tls.Certificate{Certificate: [][]byte{leaf.Raw, f.issuer.Raw}, PrivateKey: key},
		client.IdentityConfig{Now: clock.now, RenewBefore: time.Second, Jitter: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	defer id.Close()
	url := serve(t, id, &tls.Config{})
	f.took()
	clock.set(0)
	hc := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: id.Roots()}}}
	resp, err := hc.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := f.took(); !strings.Contains(got, "POST /renew") {
		t.Errorf("calls: %s, want a renewal", got)
	}
	if !id.Certificate().Leaf.NotAfter.After(time.Now()) {
		t.Error("the certificate is still the expired one")
	}
}

func TestTooShortToKeep(t *testing.T) {
	t.Parallel()
	f := newFakeCA(t)
	f.validity = 30 * time.Second
	c, err := client.New(t.Context(), f.URL, client.Config{Roots: []*x509.Certificate{f.root}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Enroll(t.Context(), f.token(t, "a.local"), client.IdentityConfig{}); err == nil {
		t.Error("a certificate of 30 s was accepted")
	}
}
