package client_test

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepca/api"
	"stepca/ca"
	"stepca/client"
	"stepca/jose"
	"stepca/keyfile"
)

func TestParseURL(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"ca.example.com", "https://ca.example.com"},
		{"ca.example.com:8443", "https://ca.example.com:8443"},
		{"https://ca.example.com/a/b?c#d", "https://ca.example.com"},
		{"HTTPS://ca.example.com/", "https://ca.example.com"},
		{"https://u:p@ca.example.com", "https://ca.example.com"},
		{"::1", "https://[::1]"},
		{"[::1]:443", "https://[::1]:443"},
		{"https://::1", "https://[::1]"},
		{"ca:", "https://ca"},
	}
	for _, tt := range tests {
		u, err := client.ParseURL(tt.in)
		if err != nil || u.String() != tt.want {
			t.Errorf("ParseURL(%q) = %v, %v, want %s", tt.in, u, err, tt.want)
		}
	}
	for _, bad := range []string{"", "https://", "http://ca", "ftp://ca", "https://a b", "https://:443"} {
		if u, err := client.ParseURL(bad); err == nil {
			t.Errorf("ParseURL(%q) = %v, want an error", bad, u)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{"ca.example.com", "https://[::1]:443/x?y#z", "::1", "HTTPS://u:p@h:1", "a b", "[", "h:", "https://%41"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := client.ParseURL(s)
		if err != nil {
			return
		}
		if u.Scheme != "https" || u.Hostname() == "" || u.Path != "" || u.User != nil {
			t.Fatalf("ParseURL(%q) = %#v", s, u)
		}
		again, err := client.ParseURL(u.String())
		if err != nil || again.String() != u.String() {
			t.Fatalf("ParseURL(%q) = %q, and of that %v, %v", s, u, again, err)
		}
	})
}

func TestSourcesOfTrust(t *testing.T) {
	t.Parallel()
	f := newFakeCA(t)
	file := filepath.Join(t.TempDir(), "root.crt")
	if err := os.WriteFile(file, keyfile.EncodeCertificates(f.root), 0o600); err != nil {
		t.Fatal(err)
	}
	fingerprint := client.Fingerprint(f.root)
	for name, cfg := range map[string]client.Config{
		"roots":               {Roots: []*x509.Certificate{f.root}},
		"root file":           {RootFile: file},
		"fingerprint":         {Fingerprint: fingerprint},
		"shouted fingerprint": {Fingerprint: strings.ToUpper(fingerprint[:4]) + "-" + fingerprint[4:]},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := client.New(t.Context(), f.URL, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if status, err := c.Health(t.Context()); status != "ok" || err != nil {
				t.Errorf("Health = %q, %v", status, err)
			}
			if got, err := c.RootFingerprint(t.Context()); got != fingerprint || err != nil {
				t.Errorf("RootFingerprint = %q, %v, want %q", got, err, fingerprint)
			}
		})
	}
	t.Run("another root", func(t *testing.T) {
		other := newFakeCA(t)
		c, err := client.New(t.Context(), f.URL, client.Config{Roots: []*x509.Certificate{other.root}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Health(t.Context())
		reqErr, ok := errors.AsType[*client.RequestError](err)
		if !ok || !strings.HasPrefix(err.Error(), "client GET "+f.URL+"/health failed: ") {
			t.Fatalf("Health = %v, want a RequestError", err)
		}
		if _, ok := errors.AsType[x509.UnknownAuthorityError](reqErr); !ok {
			t.Errorf("cause is %v, want unknown authority", reqErr.Err)
		}
	})
	for name, cfg := range map[string]client.Config{
		"none":                     {},
		"two":                      {Fingerprint: fingerprint, RootFile: file},
		"blank fingerprint":        {Fingerprint: " "},
		"unknown fingerprint":      {Fingerprint: strings.Repeat("0", 64)},
		"certificate of a liar":    {Fingerprint: strings.Repeat("e", 64)},
		"fingerprint with a slash": {Fingerprint: "../health"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := client.New(t.Context(), f.URL, cfg); err == nil {
				t.Error("New succeeded")
			}
		})
	}
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	f := newFakeCA(t)
	f.handlers.HandleFunc("GET /federation", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "<html>Bad Gateway</html>", http.StatusBadGateway)
	})
	f.handlers.HandleFunc("GET /intermediates", func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(strings.Repeat(" ", 11<<20) + "{}"))
	})
	f.handlers.HandleFunc("GET /ssh/roots", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, 418, "red \x1b[31m alert\n")
	})
	f.handlers.HandleFunc("GET /ssh/hosts", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/health", http.StatusFound)
	})
	c, err := client.New(t.Context(), f.URL, client.Config{Roots: []*x509.Certificate{f.root}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Root(t.Context(), "abcd")
	refused, ok := errors.AsType[*api.Error](err)
	if !ok || refused.Status != 404 || refused.Message != `root certificate with fingerprint "abcd" was not found` || refused.RequestID == "" {
		t.Errorf("JSON refusal = %#v", err)
	}
	_, err = c.Federation(t.Context())
	if refused, ok = errors.AsType[*api.Error](err); !ok || refused.Status != 502 || !strings.Contains(refused.Message, "502 Bad Gateway") {
		t.Errorf("refusal in HTML = %#v", err)
	}
	if _, err = c.SSHRoots(t.Context()); err == nil || err.Error() != "red  [31m alert " {
		t.Errorf("refusal with control characters = %q", err)
	}
	if _, err = c.SSHHosts(t.Context()); err == nil {
		t.Error("a redirect was followed")
	}
	if _, err = c.Intermediates(t.Context()); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("endless answer = %v, want a refusal to read it", err)
	}
}

func TestProvisionersOfAllPages(t *testing.T) {
	t.Parallel()
	f := newFakeCA(t)
	c, err := client.New(t.Context(), f.URL, client.Config{Roots: []*x509.Certificate{f.root}})
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.Provisioners(t.Context())
	if err != nil || len(all) != 2 {
		t.Fatalf("Provisioners = %s, %v, want two", all, err)
	}
	if got, want := f.took(), "GET /provisioners?limit=100, GET /provisioners?cursor=14&limit=100"; got != want {
		t.Errorf("calls: %s\nwant:  %s", got, want)
	}
}

func TestProvisionersThatNeverEnd(t *testing.T) {
	t.Parallel()
	f := newFakeCA(t)
	f.handlers = http.NewServeMux()
	f.handlers.HandleFunc("GET /provisioners", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, api.Provisioners{NextCursor: "1"})
	})
	c, err := client.New(t.Context(), f.URL, client.Config{Roots: []*x509.Certificate{f.root}})
	if err != nil {
		t.Fatal(err)
	}
	if all, err := c.Provisioners(t.Context()); err == nil {
		t.Errorf("Provisioners = %s, want an error", all)
	}
}

func TestJWKProvisioner(t *testing.T) {
	t.Parallel()
	f := newFakeCA(t)
	c, err := client.New(t.Context(), f.URL, client.Config{Roots: []*x509.Certificate{f.root}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.JWKProvisioner(t.Context(), "admin", "", []byte("wrong")); !errors.Is(err, jose.ErrInvalidPassword) {
		t.Errorf("wrong password = %v", err)
	}
	if _, err := c.JWKProvisioner(t.Context(), "acme", "", []byte("password")); !errors.Is(err, client.ErrNoProvisioner) {
		t.Errorf("ACME provisioner = %v", err)
	}
	signer, err := c.JWKProvisioner(t.Context(), "", f.provisioner.KeyID, []byte("password"))
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Token(client.TokenOptions{Route: api.PathSign, Subject: "a.local", User: json.RawMessage(`{"a":1}`), RequestFingerprint: "xyz"})
	if err != nil {
		t.Fatal(err)
	}
	claims, err := client.ParseToken(token)
	if err != nil {
		t.Fatal(err)
	}
	if claims.Issuer != "admin" || claims.Audience[0] != f.URL+"/1.0/sign" || claims.RootFingerprint != client.Fingerprint(f.root) ||
		len(claims.ID) != 64 || claims.Expiry.Time().Sub(claims.NotBefore.Time()) != 5*time.Minute ||
		strings.Join(claims.SANs, " ") != "a.local" || string(claims.User) != `{"a":1}` || claims.Confirmation.RequestFingerprint != "xyz" {
		t.Errorf("claims = %+v", claims)
	}
}

func TestTokenLifetime(t *testing.T) {
	t.Parallel()
	key, err := jose.GenerateJWK()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1e9, 0)
	signer := &client.TokenSigner{Provisioner: "p", Key: key, Audience: "https://ca", Now: func() time.Time { return now }}
	tests := []struct {
		notBefore, notAfter time.Duration
		want                string
	}{
		{0, 10 * time.Second, ""},
		{30 * time.Minute, 90 * time.Minute, ""},
		{0, 9 * time.Second, "requested token validity is too short: 'requested token validity'=9s, 'minimum token validity'=10s"},
		{0, 2 * time.Hour, "requested token validity is too long: 'requested token validity'=2h0m0s, 'maximum token validity'=1h0m0s"},
		{31 * time.Minute, 41 * time.Minute, "requested validity delay is too long: 'requested validity delay'=31m0s, 'maximum validity delay'=30m0s"},
		{time.Minute, time.Second, "nbf < exp"},
	}
	for _, tt := range tests {
		_, err := signer.Token(client.TokenOptions{Route: api.PathSign, Subject: "s", NotBefore: ca.TimeOrDuration{Duration: tt.notBefore}, NotAfter: ca.TimeOrDuration{Duration: tt.notAfter}})
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("from %v to %v: %v", tt.notBefore, tt.notAfter, err)
		case tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want)):
			t.Errorf("from %v to %v = %v, want %s", tt.notBefore, tt.notAfter, err, tt.want)
		}
	}
}

func TestBootstrapTokens(t *testing.T) {
	t.Parallel()
	key, err := jose.GenerateJWK()
	if err != nil {
		t.Fatal(err)
	}
	for want, claims := range map[string]client.TokenClaims{
		"sha claim is not present": {Claims: jose.Claims{Audience: jose.Audience{"https://ca/sign"}}},
		"aud claim is not a url":   {Claims: jose.Claims{Audience: jose.Audience{"step-certificate-authority"}}, RootFingerprint: "ab"},
	} {
		token, err := jose.SignClaims(claims, key, jose.SignOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Bootstrap(t.Context(), token, client.Config{}); err == nil || err.Error() != "invalid bootstrap token: "+want {
			t.Errorf("Bootstrap = %v, want %s", err, want)
		}
	}
	if _, err := client.Bootstrap(t.Context(), "no token", client.Config{}); err == nil {
		t.Error("text that is no token was accepted")
	}
}
