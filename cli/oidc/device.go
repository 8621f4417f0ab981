package oidc

import (
	"context"
	"errors"
	"net/url"
	"time"
)

// A deviceCode is the answer of a device authorization endpoint (RFC 8628 §3.2).
type deviceCode struct {
	DeviceCode      string `json:"device_code"`
	UserCode        string `json:"user_code"`
	VerificationURI string `json:"verification_uri"`
	VerificationURL string `json:"verification_url"` // the same at Google
	Complete        string `json:"verification_uri_complete"`
	ExpiresIn       int    `json:"expires_in"` // seconds
	Interval        int    `json:"interval"`   // seconds; 0 means 5
	oauthError
}

// defaultInterval is how long to wait between two questions, and by how much
// longer when the provider asks to slow down (RFC 8628 §3.5).
const defaultInterval = 5 * time.Second

var errExpired = errors.New("device authorization grant expired")

// device has the user enter a code in a browser somewhere.
func (l *login) device(ctx context.Context) (idToken string, err error) {
	if l.endpoints.DeviceAuthorization == "" {
		return "", errors.New("the provider does not let users log in without a browser on this machine; leave out the '--console' flag")
	}
	if err := checkURL(l.endpoints.DeviceAuthorization); err != nil {
		return "", err
	}
	form, err := l.authParams()
	if err != nil {
		return "", err
	}
	form.Set("client_id", l.ID)
	form.Set("scope", l.scope())
	var code deviceCode
	if err := l.post(ctx, l.endpoints.DeviceAuthorization, form, &code); err != nil {
		return "", err
	}
	if err := code.err(); err != nil {
		return "", err
	}
	l.showCode(&code)
	ctx, cancel := context.WithTimeoutCause(ctx, code.lifetime(), errExpired)
	defer cancel()
	return l.poll(ctx, &code)
}

func (l *login) showCode(code *deviceCode) {
	if code.Complete != "" {
		l.env.Noticef("Visit URL:\n\n%s\n\nand confirm the code %s\n", printable(code.Complete), printable(code.UserCode))
		return
	}
	page := code.VerificationURI
	if page == "" {
		page = code.VerificationURL
	}
	l.env.Noticef("Visit URL and enter the code:\n\n%s\n\n%s\n", printable(page), printable(code.UserCode))
}

// lifetime is how long the user has.
func (c *deviceCode) lifetime() time.Duration {
	if d := time.Duration(c.ExpiresIn) * time.Second; d > 0 {
		return min(d, deviceTimeout)
	}
	return deviceTimeout
}

// poll asks until the user has entered the code (RFC 8628 §3.4).
func (l *login) poll(ctx context.Context, code *deviceCode) (idToken string, err error) {
	interval := defaultInterval
	if code.Interval > 0 {
		interval = time.Duration(code.Interval) * time.Second
	}
	for {
		select {
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-time.After(interval):
		}
		t, err := l.token(ctx, url.Values{
			"grant_type":  {"urn:ietf:params:oauth:grant-type:device_code"},
			"device_code": {code.DeviceCode},
		})
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			return "", err
		}
		switch t.Code {
		case "":
			return t.IDToken, nil
		case "authorization_pending":
		case "slow_down":
			interval += defaultInterval
		case "expired_token":
			return "", errExpired
		default:
			return "", t.err()
		}
	}
}
