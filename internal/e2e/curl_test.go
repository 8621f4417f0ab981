//go:build unix

package e2e

import (
	"crypto/x509"
	"path/filepath"
	"strings"
	"testing"

	"stepca/internal/catest"
)

// TestCurl does with curl what scripts do: sign, renew with a client certificate,
// rekey, revoke.
func TestCurl(t *testing.T) {
	t.Parallel()
	curl := peer(t, "curl", "curl")
	ca := catest.Prepare(t, catest.Options{Edit: onDisk("bbolt")})
	serve(t, ca)
	ask := func(args ...string) string {
		t.Helper()
		return must(t, curl, append([]string{"--silent", "--show-error", "--fail-with-body", "--cacert", ca.RootFile}, args...)...)
	}
	if got := ask(ca.URL + "/health"); got != `{"status":"ok"}`+"\n" {
		t.Errorf("GET /health = %q", got)
	}
	key, csr := ca.CSR(x509.CertificateRequest{})
	body := writeFile(t, ca.Dir, "sign.json", []byte(`{"csr":`+quote(csr)+`,"ott":"`+ca.Token("curl.example.com", nil, nil)+`"}`))
	crt, err := catest.ParseSigned([]byte(ask("--data", "@"+body, ca.URL+"/1.0/sign")))
	if err != nil {
		t.Fatal(err)
	}
	crt.PrivateKey = key
	pair := writePair(t, ca.Dir, "curl", crt)
	for _, protocol := range []string{"--http1.1", "--http2"} {
		renewed, err := catest.ParseSigned([]byte(ask(protocol, "--cert", pair.chain, "--key", pair.key, "--request", "POST", ca.URL+"/renew")))
		if err != nil {
			t.Fatal(err)
		}
		if renewed.Leaf.SerialNumber.Cmp(crt.Leaf.SerialNumber) == 0 || string(renewed.Leaf.RawSubjectPublicKeyInfo) != string(crt.Leaf.RawSubjectPublicKeyInfo) {
			t.Errorf("%s: renewal gives serial number %v", protocol, renewed.Leaf.SerialNumber)
		}
	}
	_, csr = ca.CSR(x509.CertificateRequest{})
	body = writeFile(t, ca.Dir, "rekey.json", []byte(`{"csr":`+quote(csr)+`}`))
	if _, err := catest.ParseSigned([]byte(ask("--cert", pair.chain, "--key", pair.key, "--data", "@"+body, ca.URL+"/rekey"))); err != nil {
		t.Fatal(err)
	}
	body = writeFile(t, ca.Dir, "revoke.json", []byte(`{"serial":"`+crt.Leaf.SerialNumber.String()+`","passive":true}`))
	if got := ask("--cert", pair.chain, "--key", pair.key, "--data", "@"+body, ca.URL+"/revoke"); got != `{"status":"ok"}`+"\n" {
		t.Errorf("revoke: %q", got)
	}
	out := filepath.Join(ca.Dir, "refused")
	status := must(t, curl, "--silent", "--cacert", ca.RootFile, "--cert", pair.chain, "--key", pair.key, "--request", "POST", "--output", out, "--write-out", "%{http_code}", ca.URL+"/renew")
	if strings.TrimSpace(status) != "401" {
		t.Errorf("renewal of a revoked certificate: %s", status)
	}
}
