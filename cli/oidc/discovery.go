package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode"
)

// endpoints are what we need of a provider's configuration (OpenID Connect
// Discovery 1.0 §3, RFC 8628 §4).
type endpoints struct {
	Authorization       string `json:"authorization_endpoint"`
	DeviceAuthorization string `json:"device_authorization_endpoint"` // "" for none
	Token               string `json:"token_endpoint"`
}

const wellKnown = "/.well-known/openid-configuration"

// discover asks the provider for its endpoints.
func (l *login) discover(ctx context.Context) (*endpoints, error) {
	u, err := url.Parse(l.Provider)
	if err != nil {
		return nil, fmt.Errorf("the OpenID provider %q has no URL: %w", l.Provider, err)
	}
	if !strings.Contains(u.Path, wellKnown) {
		u = u.JoinPath(wellKnown)
	}
	if err := checkURL(u.String()); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	e := new(endpoints)
	status, err := l.do(req, e)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("%s answered with status %d", u, status)
	}
	for _, endpoint := range []string{e.Authorization, e.Token} {
		if err := checkURL(endpoint); err != nil {
			return nil, fmt.Errorf("the configuration at %s: %w", u, err)
		}
	}
	return e, nil
}

// checkURL makes sure that secrets are sent over TLS, or stay on this machine.
func checkURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return err
	case u.Host == "":
		return fmt.Errorf("%q is not the URL of an endpoint", s)
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("%q is not https, which the OpenID provider must have", s)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// post sends a form and decodes the answer, whatever its status is: errors are in
// it (RFC 6749 §5.2).
func (l *login) post(ctx context.Context, endpoint string, form url.Values, answer any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, err = l.do(req, answer)
	return err
}

// maxAnswer bounds an answer of a provider, in bytes.
const maxAnswer = 1 << 20

func (l *login) do(req *http.Request, answer any) (status int, err error) {
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", l.env.UserAgent())
	resp, err := l.http.Do(req)
	if err != nil {
		// The URL of the error could have secrets; ours has none.
		if urlErr, ok := errors.AsType[*url.Error](err); ok {
			err = urlErr.Err
		}
		return 0, fmt.Errorf("asking %s: %w", req.URL.Redacted(), err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, fmt.Errorf("asking %s: %w", req.URL.Redacted(), err)
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return 0, fmt.Errorf("%s answered with status %d and no JSON", req.URL.Redacted(), resp.StatusCode)
	}
	return resp.StatusCode, nil
}

// printable keeps what a provider says from driving the user's terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}
