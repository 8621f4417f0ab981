package server_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"stepca/internal/catest"
	"stepca/jose"
)

const (
	unauthorized = "The request lacked necessary authorization to be completed. Please see the certificate authority logs for more info."
	undecodable  = "The request could not be completed: error decoding json."
)

// TestRefusedTokens: each token that is not for this CA, this operation and this
// moment is refused in the same words, and refusing it burns nothing: a good
// token with the same ID works afterwards.
func TestRefusedTokens(t *testing.T) {
	t.Parallel()
	ca := catest.New(t, catest.Options{})
	other := catest.New(t, catest.Options{})
	stranger, err := jose.GenerateJWK()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	tests := []struct {
		name  string
		token func(id map[string]any) string
	}{
		{"of another CA", func(id map[string]any) string {
			return other.Token("a.example.com", nil, with(id, "aud", "https://ca.example.org/1.0/sign"))
		}},
		{"for another operation", func(id map[string]any) string {
			return ca.Token("a.example.com", nil, with(id, "aud", ca.URL+"/1.0/revoke"))
		}},
		{"for another path of this CA", func(id map[string]any) string {
			return ca.Token("a.example.com", nil, with(id, "aud", ca.URL+"/2.0/sign"))
		}},
		{"for plain HTTP", func(id map[string]any) string {
			return ca.Token("a.example.com", nil, with(id, "aud", strings.Replace(ca.URL, "https:", "http:", 1)+"/1.0/sign"))
		}},
		{"expired", func(id map[string]any) string {
			return ca.Token("a.example.com", nil, with(id, "exp", now.Add(-2*time.Minute).Unix()))
		}},
		{"not yet valid", func(id map[string]any) string {
			return ca.Token("a.example.com", nil, with(id, "nbf", now.Add(2*time.Minute).Unix()))
		}},
		{"made before the CA started", func(id map[string]any) string {
			return ca.Token("a.example.com", nil, with(id, "iat", now.Add(-time.Hour).Unix()))
		}},
		{"of an unknown provisioner", func(id map[string]any) string { return ca.Token("a.example.com", nil, with(id, "iss", "nobody")) }},
		{"for nobody", func(id map[string]any) string { return ca.Token("", nil, id) }},
		{"signed by a stranger", func(id map[string]any) string { return signed(t, ca, stranger, id) }},
		{"changed after it was signed", func(id map[string]any) string { return tampered(t, ca.Token("a.example.com", nil, id)) }},
		{"without a signature", func(id map[string]any) string {
			parts := strings.Split(ca.Token("a.example.com", nil, id), ".")
			parts[0] = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"` + ca.Key.KeyID + `"}`))
			return parts[0] + "." + parts[1] + "."
		}},
		{"no token at all", func(map[string]any) string { return "a.b" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			id := map[string]any{"jti": "id of " + tt.name}
			_, csr := ca.CSR(x509.CertificateRequest{})
			status, body := ca.Post(ca.HTTP(nil), "/1.0/sign", map[string]any{"csr": csr, "ott": tt.token(id)})
			wantError(t, status, body, http.StatusUnauthorized, unauthorized)
			good := map[string]any{"csr": csr, "ott": ca.Token("a.example.com", nil, id)}
			if status, body := ca.Post(ca.HTTP(nil), "/1.0/sign", good); status != http.StatusCreated {
				t.Errorf("a good token of the same ID: %d %s", status, body)
			}
			status, body = ca.Post(ca.HTTP(nil), "/1.0/sign", good)
			wantError(t, status, body, http.StatusUnauthorized, unauthorized)
		})
	}
}

// TestRefusedRequests: a request that is refused for what it asks says why, and
// its token can still be used for what it is for.
func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	ca := catest.New(t, catest.Options{})
	_, good := ca.CSR(x509.CertificateRequest{})
	_, otherName := ca.CSR(x509.CertificateRequest{Subject: pkix.Name{CommonName: "b.example.com"}})
	_, otherSAN := ca.CSR(x509.CertificateRequest{DNSNames: []string{"a.example.com", "b.example.com"}})
	tests := []struct {
		name    string
		request map[string]any
		status  int
		message string
	}{
		{"CSR is no PEM", map[string]any{"csr": "hello"}, 400, undecodable},
		{"CSR is no CSR", map[string]any{"csr": strings.Replace(good, "M", "A", 1)}, 400, undecodable},
		{"no CSR", map[string]any{}, 400, "The request could not be completed: missing csr."},
		{"CSR with a broken signature", map[string]any{"csr": brokenSignature(t, good)}, 400, "The request could not be completed: invalid csr."},
		{"another name", map[string]any{"csr": otherName}, 403,
			"The request was forbidden by the certificate authority: certificate request does not contain the valid common name - got b.example.com, want [a.example.com a.example.com]."},
		{"one name more", map[string]any{"csr": otherSAN}, 403,
			"The request was forbidden by the certificate authority: certificate request does not contain the valid DNS names - got [a.example.com b.example.com], want [a.example.com]."},
		{"for too long", map[string]any{"csr": good, "notAfter": "2160h"}, 403,
			"The request was forbidden by the certificate authority: requested duration of 2160h1m0s is more than the authorized maximum certificate duration of 24h1m0s."},
		{"for too short", map[string]any{"csr": good, "notAfter": "3m"}, 403,
			"The request was forbidden by the certificate authority: requested duration of 4m0s is less than the authorized minimum certificate duration of 5m0s."},
		{"duration in days", map[string]any{"csr": good, "notAfter": "1d"}, 400, undecodable},
		{"duration is a number", map[string]any{"csr": good, "notAfter": 3600}, 400, undecodable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			token := ca.Token("a.example.com", nil, nil)
			tt.request["ott"] = token
			status, body := ca.Post(ca.HTTP(nil), "/1.0/sign", tt.request)
			wantError(t, status, body, tt.status, tt.message)
			if status, body := ca.Post(ca.HTTP(nil), "/1.0/sign", map[string]any{"csr": good, "ott": token}); status != http.StatusCreated {
				t.Errorf("the same token for what it is for: %d %s", status, body)
			}
		})
	}
}

// TestOversized: what is too large is refused before it takes memory.
func TestOversized(t *testing.T) {
	t.Parallel()
	ca := catest.New(t, catest.Options{})
	hc := ca.HTTP(nil)
	status, body := ca.Post(hc, "/1.0/sign", map[string]any{"csr": strings.Repeat("x", 2<<20), "ott": "x"})
	wantError(t, status, body, http.StatusRequestEntityTooLarge, "The request could not be completed: the body is larger than 1048576 bytes.")

	names := make([]string, 1500)
	for i := range names {
		names[i] = strings.Repeat("a", i%60+1) + ".example.com"
	}
	_, csr := ca.CSR(x509.CertificateRequest{})
	if status, body := ca.Post(hc, "/1.0/sign", map[string]any{"csr": csr, "ott": ca.Token("a.example.com", names, nil)}); status < 400 || status >= 500 {
		t.Errorf("a certificate with 1500 names: %d %.200s", status, body)
	}

	req, err := http.NewRequest(http.MethodGet, ca.URL+"/health", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Long", strings.Repeat("x", 200<<10))
	resp, err := hc.Do(req)
	if err == nil { // HTTP/2 may end the connection instead
		resp.Body.Close()
		if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("a header of 200 KiB: %d", resp.StatusCode)
		}
	}
	if status, _ := ca.Get(ca.HTTP(nil), "/health"); status != http.StatusOK {
		t.Errorf("afterwards: %d", status)
	}
}

// TestPlainHTTPOnTLSPort helps the person with the wrong scheme.
func TestPlainHTTPOnTLSPort(t *testing.T) {
	t.Parallel()
	ca := catest.New(t, catest.Options{})
	conn, err := net.Dial("tcp", ca.Server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.0 400 ") || !strings.Contains(string(answer), "Client sent an HTTP request to an HTTPS server.") {
		t.Errorf("answer %q, %v", answer, err)
	}
}

func wantError(t *testing.T, status int, body []byte, wantStatus int, wantMessage string) {
	t.Helper()
	var e struct {
		Status  int
		Message string
	}
	if err := json.Unmarshal(body, &e); err != nil || status != wantStatus || e.Status != wantStatus || e.Message != wantMessage {
		t.Errorf("answer %d %.500s\nwant   %d %s", status, body, wantStatus, wantMessage)
	}
}

// with returns claims and one more.
func with(claims map[string]any, name string, value any) map[string]any {
	return map[string]any{"jti": claims["jti"], name: value}
}

// signed returns a token of the provisioner "admin" that another key signed.
func signed(t *testing.T, ca *catest.CA, key *jose.JWK, id map[string]any) string {
	t.Helper()
	now := time.Now().Unix()
	claims := map[string]any{"iss": "admin", "aud": ca.URL + "/1.0/sign", "sub": "a.example.com", "jti": id["jti"], "iat": now, "nbf": now, "exp": now + 60}
	token, err := jose.SignClaims(claims, key, jose.SignOptions{Type: "JWT", KeyID: ca.Key.KeyID})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// tampered changes the subject of a token and keeps the signature.
func tampered(t *testing.T, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(payload), "a.example.com", "a.example.org", 1)
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(changed))
	return strings.Join(parts, ".")
}

// brokenSignature changes the last byte of a CSR.
func brokenSignature(t *testing.T, csr string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(csr))
	if block == nil {
		t.Fatalf("no PEM: %q", csr)
	}
	block.Bytes[len(block.Bytes)-1] ^= 1
	return string(pem.EncodeToMemory(block))
}
