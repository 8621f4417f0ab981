// Package ari asks an ACME server when to renew a certificate (ACME Renewal
// Information, RFC 9773). That needs no account. It does not renew.
package ari

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"stepca/acme"
)

// ErrUnsupported is the error of servers that suggest nothing.
var ErrUnsupported = errors.New("the ACME server offers no renewal information (RFC 9773)")

const (
	requestTime = 15 * time.Second // for both requests together
	maxBody     = 64 << 10         // bytes; answers have some hundred

	// Bounds of the server's Retry-After, and what counts without one (RFC 9773 §4.3).
	soonest, latest, usual = time.Minute, 24 * time.Hour, 6 * time.Hour
)

// A Client asks one ACME server.
type Client struct {
	Directory string // URL of the server's directory
	HTTP      *http.Client
	UserAgent string
	Now       func() time.Time // nil means time.Now
}

// A Suggestion is when the server would like a certificate to be renewed.
type Suggestion struct {
	// Window is the server's.
	Window acme.Window

	// At is the moment in the window that is this certificate's. It is uniform over
	// certificates, but for one certificate and window the same each time, so that
	// whoever asks again and again does not get the earliest of many.
	At time.Time

	// Again is when to ask again, since the window may have been moved.
	Again time.Time

	// Explanation is the URL of a page that says why, "" for none.
	Explanation string
}

// Due reports whether it is time to renew.
func (s *Suggestion) Due(now time.Time) bool { return !now.Before(s.At) }

// Ask returns the server's suggestion. The error is ErrUnsupported if the server
// makes none; the caller then goes by a rule of its own.
func (c *Client) Ask(ctx context.Context, crt *x509.Certificate) (*Suggestion, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	var directory acme.Directory
	if _, err := c.get(ctx, c.Directory, &directory); err != nil {
		return nil, err
	}
	if directory.RenewalInfo == "" || len(crt.AuthorityKeyId) == 0 {
		return nil, ErrUnsupported
	}
	var info struct {
		SuggestedWindow acme.Window `json:"suggestedWindow"`
		ExplanationURL  string      `json:"explanationURL"`
	}
	header, err := c.get(ctx, directory.RenewalInfo+"/"+acme.CertID(crt), &info)
	if err != nil {
		return nil, err
	}
	window := info.SuggestedWindow
	if window.Start.IsZero() || !window.End.After(window.Start) {
		return nil, fmt.Errorf("the ACME server suggests to renew between %s and %s, which is no period of time",
			window.Start.Format(time.RFC3339), window.End.Format(time.RFC3339))
	}
	return &Suggestion{
		Window:      window,
		At:          moment(crt, window),
		Again:       retryAfter(header, c.now()),
		Explanation: webPage(info.ExplanationURL),
	}, nil
}

func (c *Client) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

// get reads a JSON object.
func (c *Client) get(ctx context.Context, url string, into any) (http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", c.UserAgent)
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", url, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, refusal(url, resp, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return nil, fmt.Errorf("reading %s: %w", url, err)
	}
	return resp.Header, nil
}

// refusal is an answer other than 200, with the server's words if it has some.
func refusal(url string, resp *http.Response, body []byte) error {
	var problem struct {
		Detail string `json:"detail"`
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if media == "application/problem+json" && json.Unmarshal(body, &problem) == nil && problem.Detail != "" {
		return fmt.Errorf("reading %s: %s: %q", url, resp.Status, problem.Detail)
	}
	return fmt.Errorf("reading %s: %s", url, resp.Status)
}

// moment maps the certificate into the window.
func moment(crt *x509.Certificate, w acme.Window) time.Time {
	sum := sha256.Sum256(crt.Raw)
	length := new(big.Int).SetInt64(int64(w.End.Sub(w.Start)))
	length.Mul(length, new(big.Int).SetUint64(binary.BigEndian.Uint64(sum[:])))
	return w.Start.Add(time.Duration(length.Rsh(length, 64).Int64()))
}

// retryAfter is the moment that the header names (RFC 9110 §10.2.3), within bounds.
func retryAfter(header http.Header, now time.Time) time.Time {
	wait, text := usual, header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return now.Add(min(max(wait, soonest), latest))
}

// webPage returns the URL of a page, "" if it is none: it is shown to people.
func webPage(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.String()
}
