//go:build unix

package ssh_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"stepca/internal/catest"
)

// wantsIdentity stands in front of a CA and says that it asks clients for
// certificates. It returns its address and a file with its own certificate.
func wantsIdentity(t *testing.T, authority *catest.CA) (address, root string) {
	t.Helper()
	target, err := url.Parse(authority.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = authority.HTTP(nil).Transport
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/version" {
			w.Write([]byte(`{"version":"test","requireClientAuthentication":true}`))
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	root = filepath.Join(t.TempDir(), "root.pem")
	write(t, root, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	return server.URL, root
}

// A CA that wants to see certificates of its clients gives one to each host, with
// the SSH certificate, and renews both together.
func TestIdentity(t *testing.T) {
	t.Parallel()
	authority := newCA(t, nil)
	address, root := wantsIdentity(t, authority.CA)
	p := newPerson(t, authority)
	const id = "11111111-2222-4333-8444-555555555555"
	certify := func(args ...string) *tls.Certificate {
		t.Helper()
		// Without the fingerprint of a root the client trusts what --root says.
		token := authority.SSHToken("h1.local", map[string]any{"certType": "host", "principals": []string{"h1.local"}}, map[string]any{"sha": ""})
		p.step(append([]string{
			"ssh", "certificate", "--host", "h1.local", "key", "--token", token, "--ca-url", address, "--root", root,
			"--no-password", "--insecure", "--force",
		}, args...)...)
		return p.identity()
	}
	for _, args := range [][]string{{"--host-id", id}, nil} { // the second time it stays what it was
		crt := certify(args...)
		if len(crt.Leaf.URIs) != 1 || crt.Leaf.URIs[0].String() != "urn:uuid:"+id || crt.Leaf.Subject.CommonName != "h1.local" {
			t.Errorf("the identity is of %s %v, want h1.local and the UUID %s", crt.Leaf.Subject, crt.Leaf.URIs, id)
		}
	}
	data, err := os.ReadFile(filepath.Join(p.home, ".step", "config", "identity.json"))
	if err != nil {
		t.Fatal(err)
	}
	var about map[string]string
	if err := json.Unmarshal(data, &about); err != nil || about["type"] != "mTLS" || about["key"] == "" {
		t.Errorf("identity.json holds %s", data)
	}
	before := p.identity()
	p.step("ssh", "renew", "--force", "key-cert.pub", "key")
	if after := p.identity(); bytes.Equal(before.Certificate[0], after.Certificate[0]) {
		t.Error("the identity was not renewed with the SSH certificate")
	}
}

// identity is the person's X.509 certificate with its key.
func (p *person) identity() *tls.Certificate {
	p.t.Helper()
	dir := filepath.Join(p.home, ".step", "identity")
	crt, err := tls.LoadX509KeyPair(filepath.Join(dir, "identity.crt"), filepath.Join(dir, "identity_key"))
	if err != nil {
		p.t.Fatal(err)
	}
	return &crt
}
