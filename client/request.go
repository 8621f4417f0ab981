package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/google/uuid"

	"stepca/api"
)

// Limits on what is read of an answer, in bytes.
const (
	maxAnswer = 10 << 20
	maxCRL    = 256 << 20
	maxError  = 64 << 10
)

// A RequestError reports that a request got no answer, or one that could not be
// understood. A refusal is an *api.Error instead.
type RequestError struct {
	Method string
	URL    string
	Err    error
}

// Error implements error, in the words of the reference, which scripts match.
func (e *RequestError) Error() string {
	return fmt.Sprintf("client %s %s failed: %v", e.Method, e.URL, e.Err)
}

// Unwrap returns the cause.
func (e *RequestError) Unwrap() error { return e.Err }

// get returns the decoded answer to a GET request.
func get[Answer any](ctx context.Context, c *Client, path string) (*Answer, error) {
	return call[Answer](ctx, c, http.MethodGet, path, nil, nil)
}

// post sends body as JSON and returns the decoded answer.
func post[Answer any](ctx context.Context, c *Client, path string, body any) (*Answer, error) {
	return call[Answer](ctx, c, http.MethodPost, path, nil, body)
}

// call sends body as JSON, nothing if it is nil.
func call[Answer any](ctx context.Context, c *Client, method, path string, header http.Header, body any) (*Answer, error) {
	var encoded []byte
	if body != nil {
		var err error
		if encoded, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	reply, err := c.do(ctx, method, path, header, encoded, maxAnswer)
	if err != nil {
		return nil, err
	}
	answer := new(Answer)
	if err := json.Unmarshal(reply.body, answer); err != nil {
		return nil, &RequestError{method, c.base.String() + path, fmt.Errorf("reading the answer: %w", err)}
	}
	return answer, nil
}

// A reply is a successful answer.
type reply struct {
	body []byte
	tls  *tls.ConnectionState // nil if an HTTP client of the caller's hides it
}

// do sends one request and reads at most limit bytes of the answer.
func (c *Client) do(ctx context.Context, method, path string, header http.Header, body []byte, limit int64) (*reply, error) {
	target := c.base.String() + path
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, &RequestError{method, target, err}
	}
	c.setHeader(req, header, len(body) > 0)
	resp, err := c.http.Do(req)
	if err != nil {
		// url.Error repeats method and URL.
		if urlErr, ok := errors.AsType[*url.Error](err); ok {
			err = urlErr.Err
		}
		return nil, &RequestError{method, target, err}
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, refusal(resp)
	}
	data, err := readAtMost(resp.Body, limit)
	if err != nil {
		return nil, &RequestError{method, target, err}
	}
	return &reply{data, resp.TLS}, nil
}

func (c *Client) setHeader(req *http.Request, extra http.Header, hasBody bool) {
	req.Header.Set("User-Agent", defaultUserAgent)
	if c.cfg.UserAgent != "" {
		req.Header.Set("User-Agent", c.cfg.UserAgent)
	}
	id := ""
	if c.cfg.RequestID != nil {
		id = c.cfg.RequestID(req.Context())
	}
	if id == "" {
		id = uuid.NewString()
	}
	req.Header.Set(api.HeaderRequestID, id)
	if hasBody {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, values := range extra {
		req.Header[name] = values
	}
}

// refusal turns an answer that is no success into an *api.Error. Something in
// front of the CA may have answered in another form; then only the status
// counts.
func refusal(resp *http.Response) error {
	e := &api.Error{}
	data, err := readAtMost(resp.Body, maxError)
	if err != nil || json.Unmarshal(data, e) != nil {
		e.Message = ""
	}
	if e.Message == "" {
		e.Message = "the certificate authority answered with status " + resp.Status
	}
	e.Message = printable(e.Message)
	e.Status = resp.StatusCode
	e.RequestID = resp.Header.Get(api.HeaderRequestID)
	return e
}

// printable replaces control characters: whoever answers, over a connection that
// may not be authenticated yet, does not get to drive the user's terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

func readAtMost(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("the answer is larger than %d bytes", limit)
	}
	return data, nil
}
