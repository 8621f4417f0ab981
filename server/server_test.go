package server_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"stepca/internal/catest"
)

func TestIssueRenewRevoke(t *testing.T) {
	t.Parallel()
	ca := catest.New(t, catest.Options{})
	crt := ca.Issue("a.example.com", "10.0.0.1")
	if got := crt.Leaf.Subject.CommonName; got != "a.example.com" {
		t.Errorf("common name = %q", got)
	}

	mtls := ca.HTTP(crt)
	status, body := ca.Post(mtls, "/1.0/renew", nil)
	if status != http.StatusCreated {
		t.Fatalf("renew: %d %s", status, body)
	}
	_, csr := ca.CSR(x509.CertificateRequest{})
	if status, body = ca.Post(mtls, "/1.0/rekey", map[string]any{"csr": csr}); status != http.StatusCreated {
		t.Fatalf("rekey: %d %s", status, body)
	}

	serial := crt.Leaf.SerialNumber.String()
	revoke := map[string]any{"serial": serial, "ott": ca.RevokeToken(serial), "passive": true}
	if status, body = ca.Post(ca.HTTP(nil), "/1.0/revoke", revoke); status != http.StatusOK {
		t.Fatalf("revoke: %d %s", status, body)
	}
	if status, body = ca.Post(mtls, "/1.0/renew", nil); status != http.StatusUnauthorized {
		t.Errorf("renewal of a revoked certificate: %d %s", status, body)
	}
	revoke["ott"] = ca.RevokeToken(serial)
	if status, body = ca.Post(ca.HTTP(nil), "/1.0/revoke", revoke); status != http.StatusBadRequest || !strings.Contains(string(body), "is already revoked") {
		t.Errorf("second revocation: %d %s", status, body)
	}
}

// TestAnswers holds the fixed answers of the API, byte for byte.
func TestAnswers(t *testing.T) {
	t.Parallel()
	ca := catest.New(t, catest.Options{})
	hc := ca.HTTP(nil)
	tests := []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/health", "", 200, `{"status":"ok"}` + "\n"},
		{"GET", "/1.0/health", "", 200, `{"status":"ok"}` + "\n"},
		{"GET", "/ready", "", 200, `{"status":"ok"}` + "\n"},
		{"GET", "/version", "", 200, `{"version":"test"}` + "\n"},
		{"GET", "/root/abcd", "", 404, `{"status":404,"message":"root certificate with fingerprint \"abcd\" was not found"}` + "\n"},
		{"GET", "/provisioners?limit=x", "", 400, `{"status":400,"message":"The request could not be completed: limit 'x' is not an integer."}` + "\n"},
		{"GET", "/provisioners/nope/encrypted-key", "", 404, `{"status":404,"message":"The requested resource could not be found. Please see the certificate authority logs for more info."}` + "\n"},
		{"POST", "/sign", "{", 400, `{"status":400,"message":"The request could not be completed: error decoding json."}` + "\n"},
		{"POST", "/sign", "{}", 400, `{"status":400,"message":"The request could not be completed: missing csr."}` + "\n"},
		{"POST", "/renew", "", 400, `{"status":400,"message":"The request could not be completed: missing client certificate."}` + "\n"},
		{"POST", "/rekey", "{}", 400, `{"status":400,"message":"The request could not be completed: missing client certificate."}` + "\n"},
		{"POST", "/revoke", "{}", 400, `{"status":400,"message":"The request could not be completed: missing serial."}` + "\n"},
		{"POST", "/revoke", `{"serial":"zz"}`, 400, `{"status":400,"message":"The request could not be completed: 'zz' is not a valid serial number - use a base 10 representation or a base 16 representation with '0x' prefix."}` + "\n"},
		{"POST", "/revoke", `{"serial":"1","reasonCode":11}`, 400, `{"status":400,"message":"The request could not be completed: reasonCode out of bounds."}` + "\n"},
		{"POST", "/revoke", `{"serial":"1"}`, 501, `{"status":501,"message":"The requested method is not implemented by the certificate authority. Please see the certificate authority logs for more info."}` + "\n"},
		{"POST", "/revoke", `{"serial":"1","passive":true}`, 400, `{"status":400,"message":"The request could not be completed: missing ott or client certificate."}` + "\n"},
		{"GET", "/crl", "", 404, `{"status":404,"message":"The certificate authority received an unexpected HTTP status code - '404'. Please see the certificate authority logs for more info."}` + "\n"},
		{"POST", "/health", "", 405, ""},
		{"GET", "/sign", "", 405, ""},
		{"GET", "/health/", "", 404, ""},
		{"GET", "//health", "", 404, ""},
		{"GET", "/2.0/health", "", 404, ""},
	}
	for _, tt := range tests {
		req, err := http.NewRequest(tt.method, ca.URL+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := hc.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if _, err := b.WriteString(""); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 4096)
		n, _ := resp.Body.Read(buf)
		resp.Body.Close()
		got := string(buf[:n])
		if resp.StatusCode != tt.status || tt.want != "" && got != tt.want {
			t.Errorf("%s %s %s = %d %q, want %d %q", tt.method, tt.path, tt.body, resp.StatusCode, got, tt.status, tt.want)
		}
		if resp.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s %s: no X-Request-Id", tt.method, tt.path)
		}
	}
}

func TestHTTP2AndLists(t *testing.T) {
	t.Parallel()
	ca := catest.New(t, catest.Options{})
	resp, err := ca.HTTP(nil).Get(ca.URL + "/roots")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.ProtoMajor != 2 || resp.StatusCode != http.StatusCreated {
		t.Errorf("GET /roots over HTTP/%d: %d", resp.ProtoMajor, resp.StatusCode)
	}
	_, body := ca.Get(ca.HTTP(nil), "/provisioners")
	var list struct {
		Provisioners []struct{ Type, Name string }
	}
	if err := json.Unmarshal(body, &list); err != nil || len(list.Provisioners) != 1 || list.Provisioners[0].Name != "admin" {
		t.Errorf("GET /provisioners = %s, %v", body, err)
	}
}

func TestReusedToken(t *testing.T) {
	t.Parallel()
	ca := catest.New(t, catest.Options{})
	token := ca.Token("a.example.com", nil, nil)
	_, csr := ca.CSR(x509.CertificateRequest{})
	sign := map[string]any{"csr": csr, "ott": token}
	if status, body := ca.Post(ca.HTTP(nil), "/sign", sign); status != http.StatusCreated {
		t.Fatalf("sign: %d %s", status, body)
	}
	if status, body := ca.Post(ca.HTTP(nil), "/sign", sign); status != http.StatusUnauthorized {
		t.Errorf("the token again: %d %s", status, body)
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	ca := catest.New(t, catest.Options{})
	hc := ca.HTTP(nil)
	cfg := ca.ReadConfig()
	cfg["dnsNames"] = []any{"localhost", "127.0.0.1", "ca.internal"}
	ca.WriteConfig(cfg)
	if err := ca.Server.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", strings.TrimPrefix(ca.URL, "https://"), hc.Transport.(*http.Transport).TLSClientConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.ConnectionState().PeerCertificates[0].VerifyHostname("ca.internal"); err != nil {
		t.Error(err)
	}
	cfg["db"] = map[string]any{"type": "pebble", "dataSource": "elsewhere"}
	ca.WriteConfig(cfg)
	if err := ca.Server.Reload(t.Context()); err == nil {
		t.Error("a reload changed the database")
	}
	if status, _ := ca.Get(hc, "/health"); status != http.StatusOK {
		t.Errorf("after a refused reload: %d", status)
	}
}
