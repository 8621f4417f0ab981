package oidc

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"stepca/cli"
	"stepca/jose"
)

// A provider is an OpenID provider whose users are always willing.
type provider struct {
	t   *testing.T
	URL string
	key *jose.JWK

	// What it does otherwise than it should; nil does as it should.
	authorize func(redirect, query url.Values)
	token     func(form url.Values) map[string]any
	config    func(map[string]any)

	mu     sync.Mutex
	asked  url.Values // by the last authorization request
	polled int
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	key, err := jose.GenerateJWK()
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{t: t, key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /realm/.well-known/openid-configuration", p.serveConfig)
	mux.HandleFunc("GET /auth", p.serveAuth)
	mux.HandleFunc("POST /device", p.serveDevice)
	mux.HandleFunc("POST /token", p.serveToken)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p.URL = server.URL
	return p
}

func (p *provider) reply(w http.ResponseWriter, status int, answer map[string]any) {
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		p.t.Error(err)
	}
}

func (p *provider) serveConfig(w http.ResponseWriter, _ *http.Request) {
	answer := map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/auth?realm=r", "token_endpoint": p.URL + "/token", "device_authorization_endpoint": p.URL + "/device",
	}
	if p.config != nil {
		p.config(answer)
	}
	p.reply(w, http.StatusOK, answer)
}

func (p *provider) serveAuth(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	p.mu.Lock()
	p.asked = query
	p.mu.Unlock()
	back := url.Values{"code": {"the-code"}, "state": {query.Get("state")}}
	if p.authorize != nil {
		p.authorize(back, query)
	}
	http.Redirect(w, r, query.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

func (p *provider) serveDevice(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("client_id") != "id" || r.FormValue("scope") != "openid email" {
		p.t.Errorf("the device asks %v", r.Form)
	}
	p.reply(w, http.StatusOK, map[string]any{
		"device_code": "the-device", "user_code": "ABCD\x1b[2J", "verification_uri": p.URL + "/enter", "expires_in": 60, "interval": 1,
	})
}

func (p *provider) serveToken(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	if p.token != nil {
		if answer := p.token(r.Form); answer != nil {
			p.reply(w, http.StatusBadRequest, answer)
			return
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch r.Form.Get("grant_type") {
	case "authorization_code":
		sum := sha256.Sum256([]byte(r.Form.Get("code_verifier")))
		if r.Form.Get("code") != "the-code" || r.Form.Get("redirect_uri") != p.asked.Get("redirect_uri") || r.Form.Get("client_secret") != "secret" ||
			base64.RawURLEncoding.EncodeToString(sum[:]) != p.asked.Get("code_challenge") {
			p.reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
			return
		}
	default:
		if p.polled++; p.polled == 1 {
			p.reply(w, http.StatusBadRequest, map[string]any{"error": "authorization_pending"})
			return
		}
	}
	p.reply(w, http.StatusOK, map[string]any{"id_token": p.idToken(p.asked.Get("nonce"))})
}

func (p *provider) idToken(nonce string) string {
	token, err := jose.SignClaims(map[string]any{"iss": p.URL, "sub": "1", "email": "joe@example.com", "nonce": nonce}, p.key, jose.SignOptions{})
	if err != nil {
		p.t.Error(err)
	}
	return token
}

func (p *provider) client() *Client {
	return &Client{Provider: p.URL + "/realm", ID: "id", Secret: "secret", AuthParams: []string{"access_type=offline"}}
}

// A userAgent is the stderr of a login, and visits what it is told to.
type userAgent struct {
	t     *testing.T
	visit func(page string) // nil gets the page, and follows where that leads
	mu    sync.Mutex
	text  bytes.Buffer
	once  sync.Once
	wait  sync.WaitGroup
	page  string // that it has seen in the end
}

func (u *userAgent) Write(data []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.text.Write(data)
	if page, _, ok := strings.Cut(u.text.String(), "\n"); ok && strings.HasPrefix(page, "http") {
		u.once.Do(func() {
			if u.visit == nil {
				u.visit = u.get
			}
			u.wait.Go(func() { u.visit(page) })
		})
	}
	return len(data), nil
}

func (u *userAgent) get(page string) {
	resp, err := http.Get(page)
	if err != nil {
		u.t.Error(err)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		u.t.Error(err)
	}
	u.page = resp.Status + "\n" + string(body)
}

// env is the environment of a login, which tells the address to visit.
func (u *userAgent) env(more map[string]string) *cli.Env {
	return &cli.Env{Stderr: u, Getenv: func(name string) string {
		if name == "STEP_OPEN_BROWSER" {
			return "0"
		}
		return more[name]
	}}
}

func TestBrowser(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	u := &userAgent{t: t}
	token, err := p.client().LogIn(t.Context(), u.env(nil), false)
	u.wait.Wait()
	if err != nil || strings.Count(token, ".") != 2 {
		t.Fatalf("%q, %v", token, err)
	}
	if !strings.Contains(u.page, "200 OK") || !strings.Contains(u.page, "You are logged in") {
		t.Errorf("the browser shows %s", u.page)
	}
	for key, want := range map[string]string{
		"client_id": "id", "response_type": "code", "scope": "openid email", "code_challenge_method": "S256", "access_type": "offline", "realm": "r",
	} {
		if got := p.asked.Get(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if len(p.asked.Get("nonce")) != 64 || p.asked.Has("client_secret") {
		t.Errorf("the authorization request is %v", p.asked)
	}
}

// Whoever has a page for it is sent there, but not after a failure.
func TestSuccessPage(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "welcome home") }))
	defer site.Close()
	u := &userAgent{t: t}
	c := p.client()
	c.SuccessPage = site.URL
	if _, err := c.LogIn(t.Context(), u.env(nil), false); err != nil {
		t.Fatal(err)
	}
	u.wait.Wait()
	if u.page != "200 OK\nwelcome home" {
		t.Errorf("the browser shows %s", u.page)
	}
	u, c.Secret = &userAgent{t: t}, "x"
	if _, err := c.LogIn(t.Context(), u.env(nil), false); err == nil {
		t.Fatal("logged in with another secret")
	}
	u.wait.Wait()
	if !strings.Contains(u.page, "Failed to authenticate") {
		t.Errorf("after a failure the browser shows %s", u.page)
	}
}

// STEP_LISTEN is stronger than the address of the provisioner, and a port alone is
// one of the loopback interface.
func TestListen(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	u := &userAgent{t: t}
	c := p.client()
	c.Listen = "192.0.2.1:80"
	if _, err := c.LogIn(t.Context(), u.env(map[string]string{"STEP_LISTEN": ":0"}), false); err != nil {
		t.Fatal(err)
	}
	u.wait.Wait()
	if got := p.asked.Get("redirect_uri"); !strings.HasPrefix(got, "http://127.0.0.1:") {
		t.Errorf("the redirect URI is %q", got)
	}
	c.Listen = "nonsense"
	if _, err := c.LogIn(t.Context(), u.env(nil), false); err == nil || !strings.Contains(err.Error(), `"nonsense"`) {
		t.Errorf("an address without a port: %v", err)
	}
}

// Whoever else finds the port neither ends the wait nor gets a token in.
func TestStrangers(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	u := &userAgent{t: t}
	u.visit = func(page string) {
		parsed, err := url.Parse(page)
		if err != nil {
			t.Error(err)
			return
		}
		redirect := parsed.Query().Get("redirect_uri")
		for _, query := range []string{"", "?code=x", "?code=x&state=", "?code=x&state=y", "?error=x", "?state=" + parsed.Query().Get("state")} {
			resp, err := http.Get(redirect + query)
			if err != nil || resp.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: %v %v", query, resp, err)
			}
		}
		if resp, err := http.Get(redirect + "/favicon.ico"); err != nil || resp.StatusCode != http.StatusNotFound {
			t.Errorf("another path: %v %v", resp, err)
		}
		u.get(page)
	}
	if _, err := p.client().LogIn(t.Context(), u.env(nil), false); err != nil {
		t.Error(err)
	}
	u.wait.Wait()
}

func TestFailures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*provider, *Client)
		want   string
	}{
		{"the user refuses", func(p *provider, _ *Client) {
			p.authorize = func(back, _ url.Values) {
				back.Del("code")
				back.Set("error", "access_denied")
				back.Set("error_description", "<b>no\x1b</b>")
			}
		}, "<b>no </b>"},
		{"another login's token", func(p *provider, _ *Client) {
			p.token = func(url.Values) map[string]any { return map[string]any{"id_token": p.idToken("another")} }
		}, "the ID token of another login"},
		{"no ID token", func(p *provider, _ *Client) {
			p.token = func(url.Values) map[string]any { return map[string]any{"access_token": "x"} }
		}, "without an ID token"},
		{"an ID token that is none", func(p *provider, _ *Client) {
			p.token = func(url.Values) map[string]any { return map[string]any{"id_token": "x"} }
		}, "something else than an ID token"},
		{"a wrong secret", func(_ *provider, c *Client) { c.Secret = "x" }, "invalid_grant"},
		{"a bad parameter", func(_ *provider, c *Client) { c.AuthParams = []string{"x"} }, `"x" does not have the form key=value`},
		{"no TLS", func(p *provider, _ *Client) {
			p.config = func(m map[string]any) { m["token_endpoint"] = "http://idp.example.com/token" }
		}, "is not https"},
		{"no endpoint", func(p *provider, _ *Client) {
			p.config = func(m map[string]any) { delete(m, "authorization_endpoint") }
		}, `"" is not the URL of an endpoint`},
		{"no provider", func(_ *provider, c *Client) { c.Provider += "/nothing" }, "answered with status 404"},
		{"a provider without TLS", func(_ *provider, c *Client) { c.Provider = "http://idp.example.com" }, "is not https"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			c := p.client()
			tt.change(p, c)
			u := &userAgent{t: t}
			token, err := c.LogIn(t.Context(), u.env(nil), false)
			u.wait.Wait()
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%q, %v, want %q", token, err, tt.want)
			}
			if strings.Contains(u.page, "<b>") || strings.Contains(u.page, "the-code") {
				t.Errorf("the page is %s", u.page)
			}
		})
	}
}

// Nobody comes.
func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	u := &userAgent{t: t, visit: func(string) { cancel() }}
	if _, err := newProvider(t).client().LogIn(ctx, u.env(nil), false); err == nil {
		t.Error("no error")
	}
}

func TestDevice(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	u := &userAgent{t: t}
	token, err := p.client().LogIn(t.Context(), u.env(nil), true)
	if err != nil || token == "" || p.polled != 2 {
		t.Fatalf("%q, %v, after %d questions", token, err, p.polled)
	}
	if want := "Visit URL and enter the code:\n\n" + p.URL + "/enter\n\nABCD [2J\n\n"; u.text.String() != want {
		t.Errorf("the user reads %q, want %q", u.text.String(), want)
	}
	for code, want := range map[string]string{"expired_token": "device authorization grant expired", "access_denied": "access_denied"} {
		p.token = func(url.Values) map[string]any { return map[string]any{"error": code} }
		if _, err := p.client().LogIn(t.Context(), u.env(nil), true); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v, want %q", code, err, want)
		}
	}
	p.config = func(m map[string]any) { delete(m, "device_authorization_endpoint") }
	if _, err := p.client().LogIn(t.Context(), u.env(nil), true); err == nil || !strings.Contains(err.Error(), "'--console'") {
		t.Errorf("without the endpoint: %v", err)
	}
}
