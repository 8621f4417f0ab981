package oidc

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"stepca/cli"
	"stepca/jose"
)

// A Client is what a program is registered as at an OpenID provider.
type Client struct {
	Provider string // URL of the issuer or of its configuration
	ID       string
	Secret   string // "" for none; everybody with the program knows it

	Scopes     []string // nil means openid and email
	AuthParams []string // further parameters of the authorization request, key=value

	// Listen is the host:port that the provider sends the browser to; "" means any
	// free port of the loopback interface. A missing host means that interface too.
	Listen string

	// SuccessPage is the URL where the browser goes after the login; "" means a page
	// of ours.
	SuccessPage string

	HTTP *http.Client // nil means one with time-outs
}

// Limits on waiting.
const (
	requestTimeout = 30 * time.Second
	browserTimeout = 2 * time.Minute // for the user to log in
	deviceTimeout  = 5 * time.Minute // for the user to enter a code, at most
)

// A login is one run of a Client.
type login struct {
	*Client
	env       *cli.Env
	http      *http.Client
	endpoints *endpoints
	nonce     string
}

// LogIn returns an ID token of the user. With console the user enters a code in a
// browser anywhere (RFC 8628), which not every provider supports; without, it is
// a browser on this machine (RFC 8252, with PKCE), which is opened unless
// STEP_OPEN_BROWSER is 0. What the user has to do is written to env.Stderr.
func (c *Client) LogIn(ctx context.Context, env *cli.Env, console bool) (idToken string, err error) {
	l := &login{Client: c, env: env, http: c.HTTP}
	if l.http == nil {
		l.http = &http.Client{Timeout: requestTimeout}
	}
	if l.endpoints, err = l.discover(ctx); err != nil {
		return "", err
	}
	if console {
		idToken, err = l.device(ctx)
	} else {
		l.nonce = hex.EncodeToString(random())
		idToken, err = l.browser(ctx)
	}
	if err != nil {
		return "", fmt.Errorf("logging in at %s: %w", c.Provider, err)
	}
	return idToken, l.check(idToken)
}

// check makes sure that the token answers this login and not another one (OpenID
// Connect Core §3.1.2.1). A login with a code has no nonce.
func (l *login) check(idToken string) error {
	jws, err := jose.ParseCompact(idToken)
	if err != nil {
		return fmt.Errorf("%s answered with something else than an ID token: %w", l.Provider, err)
	}
	var claims struct {
		Nonce string `json:"nonce"`
	}
	if err := jws.UnverifiedClaims(&claims); err != nil {
		return fmt.Errorf("%s answered with something else than an ID token: %w", l.Provider, err)
	}
	if claims.Nonce != l.nonce && l.nonce != "" {
		return fmt.Errorf("%s answered with the ID token of another login", l.Provider)
	}
	return nil
}

// authParams are the parameters of AuthParams.
func (c *Client) authParams() (url.Values, error) {
	values := make(url.Values)
	for _, param := range c.AuthParams {
		key, value, ok := strings.Cut(param, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("the parameter %q does not have the form key=value", param)
		}
		values.Add(key, value)
	}
	return values, nil
}

func (c *Client) scope() string {
	if len(c.Scopes) == 0 {
		return "openid email"
	}
	return strings.Join(c.Scopes, " ")
}

// random are 32 bytes that nobody guesses.
func random() []byte {
	b := make([]byte, 32)
	rand.Read(b)
	return b
}

// tokens are the answer of a token endpoint (RFC 6749 §5).
type tokens struct {
	IDToken string `json:"id_token"`
	oauthError
}

// An oauthError is an answer without success.
type oauthError struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

// err is nil if there was no error.
func (e oauthError) err() error {
	if e.Code == "" {
		return nil
	}
	return errors.New(printable(cmp.Or(e.Description, e.Code)))
}

// token asks the token endpoint. The error of the answer, if it has one, is left
// in tokens.
func (l *login) token(ctx context.Context, form url.Values) (*tokens, error) {
	form.Set("client_id", l.ID)
	if l.Secret != "" {
		form.Set("client_secret", l.Secret)
	}
	t := new(tokens)
	if err := l.post(ctx, l.endpoints.Token, form, t); err != nil {
		return nil, err
	}
	if t.Code == "" && t.IDToken == "" {
		return nil, errors.New("the provider answered without an ID token; is the scope openid missing?")
	}
	return t, nil
}
