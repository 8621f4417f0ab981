package oidc

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"stepca/cli"
)

// browser has the user log in in a browser, which the provider sends back to us.
func (l *login) browser(ctx context.Context) (idToken string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, browserTimeout, errors.New("oauth command timed out, please try again"))
	defer cancel()
	listener, err := l.listen()
	if err != nil {
		return "", err
	}
	cb := &callback{
		login: l, ctx: ctx, redirect: "http://" + listener.Addr().String(),
		state: hex.EncodeToString(random()), verifier: base64.RawURLEncoding.EncodeToString(random()),
		done: make(chan result, 1),
	}
	page, err := cb.authorizationURL()
	if err != nil {
		return "", errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: cb, ReadTimeout: requestTimeout}
	go server.Serve(listener) //nolint:errcheck // it ends with Shutdown
	defer cb.shutdown(server)
	showPage(l.env, page)
	select {
	case r := <-cb.done:
		return r.idToken, r.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// listen opens the port that the provider sends the browser to.
func (l *login) listen() (net.Listener, error) {
	host, port := "", "0"
	if address := cmp.Or(l.env.Getenv("STEP_LISTEN"), l.Listen); address != "" {
		var err error
		if host, port, err = net.SplitHostPort(address); err != nil {
			return nil, fmt.Errorf("the address to listen at, %q: %w", address, err)
		}
	}
	return net.Listen("tcp", net.JoinHostPort(cmp.Or(host, "127.0.0.1"), port))
}

// A callback waits for the browser.
type callback struct {
	*login
	ctx             context.Context // of the login
	redirect        string
	state, verifier string

	once sync.Once
	done chan result // gets one result
}

type result struct {
	idToken string
	err     error
}

// authorizationURL is what the user has to visit (RFC 6749 §4.1.1, RFC 7636 §4.3).
func (cb *callback) authorizationURL() (string, error) {
	u, err := url.Parse(cb.endpoints.Authorization)
	if err != nil {
		return "", err
	}
	params, err := cb.authParams()
	if err != nil {
		return "", err
	}
	for key, values := range u.Query() {
		params[key] = values
	}
	challenge := sha256.Sum256([]byte(cb.verifier))
	for key, value := range map[string]string{
		"client_id":             cb.ID,
		"redirect_uri":          cb.redirect,
		"response_type":         "code",
		"scope":                 cb.scope(),
		"state":                 cb.state,
		"nonce":                 cb.nonce,
		"code_challenge_method": "S256",
		"code_challenge":        base64.RawURLEncoding.EncodeToString(challenge[:]),
	} {
		params.Set(key, value)
	}
	u.RawQuery = params.Encode()
	return u.String(), nil
}

// ServeHTTP takes the answer of the provider (RFC 6749 §4.1.2). Requests that are
// none, of a curious program on this machine for one, do not end the wait.
func (cb *callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	switch {
	case r.Method == http.MethodOptions:
		return
	case r.URL.Path != "/" && r.URL.Path != "":
		http.NotFound(w, r)
		return
	case subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(cb.state)) != 1 || query.Get("code")+query.Get("error") == "":
		http.Error(w, "400 bad request", http.StatusBadRequest)
		return
	}
	answered := false
	cb.once.Do(func() {
		answered = true
		idToken, err := cb.exchange(query)
		if err == nil && cb.SuccessPage != "" {
			http.Redirect(w, r, cb.SuccessPage, http.StatusFound)
		} else {
			writePage(w, err)
		}
		cb.done <- result{idToken, err}
	})
	if !answered {
		http.Error(w, "400 bad request", http.StatusBadRequest)
	}
}

// exchange spends the code (RFC 6749 §4.1.3).
func (cb *callback) exchange(query url.Values) (idToken string, err error) {
	if err := (oauthError{query.Get("error"), query.Get("error_description")}).err(); err != nil {
		return "", err
	}
	t, err := cb.token(cb.ctx, url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {query.Get("code")},
		"redirect_uri":  {cb.redirect},
		"code_verifier": {cb.verifier},
	})
	if err != nil {
		return "", err
	}
	return t.IDToken, t.err()
}

// writePage is the last that the user sees in the browser.
func writePage(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	title, text := "Success", "You are logged in. You can close this window."
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		title, text = "Failure", "Failed to authenticate: "+err.Error()
	}
	fmt.Fprintf(w, "<!DOCTYPE html><title>%s</title><h1>%[1]s</h1><p>%s</p>\n", title, html.EscapeString(text))
}

// shutdown lets the browser get its page.
func (cb *callback) shutdown(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(cb.ctx), time.Second)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		server.Close() //nolint:errcheck // whoever is still connected has had a second
	}
}

// showPage opens a browser, or asks the user to.
func showPage(env *cli.Env, page string) {
	switch {
	case env.Getenv("STEP_OPEN_BROWSER") == "0":
		env.Noticef("%s", page)
		return
	case openBrowser(env, page):
		env.Noticef("Your default web browser has been opened to visit:\n\n%s\n", page)
		return
	}
	env.Noticef("Cannot open a web browser on your platform.\n\nOpen a local web browser and visit:\n\n%s\n", page)
}

// openBrowser reports whether a browser has been started. It outlives the login:
// it is the user's.
func openBrowser(env *cli.Env, page string) bool {
	var cmd *exec.Cmd
	switch runtime.GOOS {
	case "windows":
		cmd = exec.Command("rundll32", "url.dll,FileProtocolHandler", page)
	case "darwin":
		cmd = exec.Command("open", page)
	default:
		if env.Getenv("DISPLAY")+env.Getenv("WAYLAND_DISPLAY") == "" {
			return false // xdg-open would start one in this terminal
		}
		cmd = exec.Command("xdg-open", page)
	}
	if cmd.Start() != nil {
		return false
	}
	go cmd.Wait() //nolint:errcheck // the page tells the user all there is to tell
	return true
}
