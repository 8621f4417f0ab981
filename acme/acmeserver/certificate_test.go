package acmeserver_test

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepca/internal/catest"
	"stepca/kv/mem"
)

// crossSign adds an issuer whose certificate has the name and the key of the
// default one, but for its serial number.
func crossSign(t *testing.T) func(cfg map[string]any) {
	return func(cfg map[string]any) {
		dir := filepath.Dir(cfg["root"].(string))
		root, rootKey := readCertificate(t, cfg["root"].(string)), readKey(t, filepath.Join(dir, "root_ca_key"))
		tmpl := *readCertificate(t, cfg["crt"].(string))
		tmpl.SerialNumber = big.NewInt(4711)
		der, err := x509.CreateCertificate(rand.Reader, &tmpl, root, tmpl.PublicKey, rootKey)
		if err != nil {
			t.Fatal(err)
		}
		cross := filepath.Join(dir, "cross.crt")
		if err := os.WriteFile(cross, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg["issuers"] = []any{map[string]any{"name": "cross", "crt": cross, "key": cfg["key"]}}
	}
}

func readPEM(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	return block.Bytes
}

func readCertificate(t *testing.T, file string) *x509.Certificate {
	t.Helper()
	crt, err := x509.ParseCertificate(readPEM(t, file))
	if err != nil {
		t.Fatal(err)
	}
	return crt
}

func readKey(t *testing.T, file string) crypto.Signer {
	t.Helper()
	key, err := x509.ParsePKCS8PrivateKey(readPEM(t, file))
	if err != nil {
		t.Fatal(err)
	}
	return key.(crypto.Signer)
}

func TestAlternateChains(t *testing.T) {
	t.Parallel()
	c := newCAWith(t, new(validator), nil, catest.Options{Edit: crossSign(t)})
	cl := newClient(t, c).register()
	_, _, u := cl.issue("a.example")
	certificate := cl.post(u, nil).json()["certificate"].(string)
	first := cl.post(certificate, nil).want(http.StatusOK)
	links := first.header.Values("Link")
	if len(links) != 2 || links[1] != "<"+certificate+`/1>;rel="alternate"` {
		t.Fatalf("links %v, want one to the other chain", links)
	}
	second := cl.post(certificate+"/1", nil).want(http.StatusOK)
	if links := second.header.Values("Link"); len(links) != 2 || links[1] != "<"+certificate+`>;rel="alternate"` {
		t.Errorf("links of the other chain %v", links)
	}
	a, b := parseChain(t, first.body), parseChain(t, second.body)
	if !a[0].Equal(b[0]) || a[1].Equal(b[1]) || b[0].CheckSignatureFrom(b[1]) != nil {
		t.Errorf("chains %v and %v, want one leaf with two issuers", a, b)
	}
	for _, n := range []string{"0", "2", "01", "x"} {
		cl.post(certificate+"/"+n, nil).problem(http.StatusNotFound, "malformed")
	}
}

// TestCertificateOfAForgottenIssuer downloads a certificate when its issuer was replaced
// and not kept as a retired one: there is no chain, and the client hears so.
func TestCertificateOfAForgottenIssuer(t *testing.T) {
	t.Parallel()
	engine, v := mem.New(), new(validator)
	c := newCAWith(t, v, nil, onEngine(engine))
	cl := newClient(t, c).register()
	_, _, u := cl.issue("a.example")
	chain := cl.post(u, nil).json()["certificate"].(string)
	replaced := newCAWith(t, v, nil, onEngine(engine))
	there := newClient(t, replaced)
	there.key, there.kid = cl.key, strings.Replace(cl.kid, c.URL, replaced.URL, 1)
	r := there.post(strings.Replace(chain, c.URL, replaced.URL, 1), nil).problem(404, "malformed")
	if !strings.Contains(string(r.body), "is not among those of this CA any more") {
		t.Errorf("problem %s, want one that says why", r.body)
	}
}
