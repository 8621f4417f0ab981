//go:build unix

package e2e

import (
	"crypto/x509"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"stepca/internal/catest"
	"stepca/internal/freeport"
)

// TestAccessLog writes each format and looks for what scripts look for. A token
// must not stand in a log, whatever became of its request.
func TestAccessLog(t *testing.T) {
	t.Parallel()
	lines := map[string]*regexp.Regexp{
		"text":   regexp.MustCompile(`(?m)^time="[^"]+" level=info .*duration="?[0-9.]+[µm]?s"? duration-ns=[0-9]+ fields\.time="[^"]+" .*method=POST name=ca ott="jti:ID-1" path=/1\.0/sign protocol=HTTP/2\.0 .*status=201 `),
		"json":   regexp.MustCompile(`(?m)^\{"certificate":"MII[^"]+","duration":.*"level":"info","method":"POST","msg":"","name":"ca","ott":"jti:ID-1","path":"/1\.0/sign",.*"status":201,`),
		"common": regexp.MustCompile(`(?m)^REQ-1 127\.0\.0\.1 ca - \S+ [0-9.]+[µm]?s "POST /1\.0/sign HTTP/2\.0" 201 [0-9]+$`),
	}
	for format, line := range lines {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			ca := catest.Prepare(t, catest.Options{Edit: func(cfg map[string]any) {
				cfg["logger"] = map[string]any{"format": format, "traceHeader": "X-Trace"}
			}})
			p := serve(t, ca)
			hc := ca.HTTP(nil)
			_, csr := ca.CSR(x509.CertificateRequest{})
			var tokens []string
			for i, extra := range []map[string]any{{"jti": "ID-1"}, {"jti": "ID-2", "aud": "https://elsewhere"}, {"jti": ""}} {
				token := ca.Token("a.example.com", nil, extra)
				tokens = append(tokens, token)
				body := `{"csr":` + quote(csr) + `,"ott":"` + token + `"}`
				req, err := http.NewRequest(http.MethodPost, ca.URL+"/1.0/sign", strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("X-Trace", "REQ-"+itoa(i+1))
				resp, err := hc.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				if got := resp.Header.Get("X-Request-Id"); got != "REQ-"+itoa(i+1) {
					t.Errorf("request ID %q", got)
				}
			}
			crt := ca.Issue("bearer.example.com")
			tokens = append(tokens, renewToken(t, ca, crt))
			bearer(t, ca, tokens[len(tokens)-1])
			p.stop()
			said := p.out.String()
			if !line.MatchString(said) {
				t.Errorf("no line like %s", line)
			}
			for _, token := range tokens {
				for _, secret := range []string{token, token[strings.LastIndex(token, ".")+1:]} {
					if strings.Contains(said, secret) {
						t.Errorf("a token is in the log: %.40s…", secret)
					}
				}
			}
		})
	}
}

// TestInsecureListener serves over plain HTTP what needs no TLS to be trusted,
// and nothing else.
func TestInsecureListener(t *testing.T) {
	t.Parallel()
	insecure := "http://" + freeport.Address(t)
	ca := catest.Prepare(t, catest.Options{Edit: func(cfg map[string]any) {
		cfg["insecureAddress"] = strings.TrimPrefix(insecure, "http://")
		cfg["crl"] = map[string]any{"enabled": true}
	}})
	serve(t, ca)
	for _, path := range []string{"/roots.pem", "/1.0/roots.pem", "/intermediates.pem", "/crl", "/1.0/crl", "/crl?pem"} {
		if status, _ := get(t, insecure+path); status != http.StatusOK {
			t.Errorf("GET %s: %d", path, status)
		}
	}
	for _, path := range []string{"/health", "/version", "/roots", "/provisioners", "/root/" + ca.Fingerprint, "/acme/acme/directory", "/admin/admins", "/metrics", "/"} {
		if status, _ := get(t, insecure+path); status != http.StatusNotFound {
			t.Errorf("GET %s: %d, want 404", path, status)
		}
	}
	resp, err := http.Post(insecure+"/sign", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("POST /sign: %d", resp.StatusCode)
	}
}

// TestMetrics holds the names of the reference's metrics, and that a refusal counts.
func TestMetrics(t *testing.T) {
	t.Parallel()
	metrics := "http://" + freeport.Address(t)
	ca := catest.Prepare(t, catest.Options{Edit: func(cfg map[string]any) {
		cfg["metricsAddress"] = strings.TrimPrefix(metrics, "http://")
	}})
	serve(t, ca)
	crt := ca.Issue("a.example.com")
	if status, body := ca.Post(ca.HTTP(crt), "/renew", nil); status != http.StatusCreated {
		t.Fatalf("renew: %d %s", status, body)
	}
	_, csr := ca.CSR(x509.CertificateRequest{})
	if status, body := ca.Post(ca.HTTP(crt), "/rekey", map[string]any{"csr": csr}); status != http.StatusCreated {
		t.Fatalf("rekey: %d %s", status, body)
	}
	tooLong := map[string]any{"csr": csr, "ott": ca.Token("a.example.com", nil, nil), "notAfter": "9999h"}
	if status, body := ca.Post(ca.HTTP(nil), "/sign", tooLong); status != http.StatusForbidden {
		t.Fatalf("sign for too long: %d %s", status, body)
	}
	status, text := get(t, metrics+"/metrics")
	if status != http.StatusOK {
		t.Fatalf("GET /metrics: %d", status)
	}
	lines := strings.Split(text, "\n")
	for _, want := range []string{
		`step_ca_x509_signed_total{provisioner="admin",success="true"} 1`,
		`step_ca_x509_signed_total{provisioner="admin",success="false"} 1`,
		`step_ca_x509_renewed_total{provisioner="admin",success="true"} 1`,
		`step_ca_x509_rekeyed_total{provisioner="admin",success="true"} 1`,
		`step_ca_kms_errors 0`,
		`# TYPE step_ca_uptime_seconds gauge`,
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("no line %s", want)
		}
	}
	if !regexp.MustCompile(`(?m)^step_ca_kms_signed [4-9]$`).MatchString(text) {
		t.Error("signatures are not counted in step_ca_kms_signed")
	}
	if status, _ := get(t, metrics+"/health"); status != http.StatusNotFound {
		t.Errorf("GET /health at the metrics: %d", status)
	}
}

// TestNoDatabase: a CA without a database issues and renews, refuses a used token
// as long as it runs, and says what it cannot do.
func TestNoDatabase(t *testing.T) {
	t.Parallel()
	ca := catest.Prepare(t, catest.Options{Edit: onDisk("")})
	p := serve(t, ca)
	p.expect("no database is configured")
	crt := ca.Issue("a.example.com")
	if status, body := ca.Post(ca.HTTP(crt), "/renew", nil); status != http.StatusCreated {
		t.Errorf("renew: %d %s", status, body)
	}
	_, csr := ca.CSR(x509.CertificateRequest{})
	sign := map[string]any{"csr": csr, "ott": ca.Token("a.example.com", nil, nil)}
	for i, want := range []int{http.StatusCreated, http.StatusUnauthorized} {
		if status, body := ca.Post(ca.HTTP(nil), "/sign", sign); status != want {
			t.Errorf("use %d of a token: %d %s", i+1, status, body)
		}
	}
	serial := crt.Leaf.SerialNumber.String()
	for _, hc := range []*http.Client{ca.HTTP(crt), ca.HTTP(nil)} {
		status, body := ca.Post(hc, "/revoke", map[string]any{"serial": serial, "ott": ca.RevokeToken(serial), "passive": true})
		if status != http.StatusNotImplemented {
			t.Errorf("revoke: %d %s", status, body)
		}
	}
	if status, _ := ca.Get(ca.HTTP(nil), "/crl"); status != http.StatusNotFound {
		t.Errorf("CRL: %d", status)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestRestartRefusesOldTokens: tokens made before the server started are refused
// even where nothing remembers them.
func TestRestartRefusesOldTokens(t *testing.T) {
	t.Parallel()
	ca := catest.Prepare(t, catest.Options{Edit: onDisk("")})
	p := serve(t, ca)
	_, csr := ca.CSR(x509.CertificateRequest{})
	sign := map[string]any{"csr": csr, "ott": ca.Token("a.example.com", nil, nil)}
	if status, body := ca.Post(ca.HTTP(nil), "/sign", sign); status != http.StatusCreated {
		t.Fatalf("sign: %d %s", status, body)
	}
	p.stop()
	time.Sleep(1100 * time.Millisecond) // iat counts seconds
	serve(t, ca)
	if status, body := ca.Post(ca.HTTP(nil), "/sign", sign); status != http.StatusUnauthorized {
		t.Errorf("the token after a restart: %d %s", status, body)
	}
}
