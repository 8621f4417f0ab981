package apiserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"stepca/api"
	"stepca/ca"
)

// Limits of a request.
const (
	MaxBody   = 1 << 20  // bytes of a request body
	MaxHeader = 64 << 10 // bytes of a request header; the listener enforces it
)

// usualBody is as many bytes as a request gets room for before it has sent them.
const usualBody = 8 << 10

// An exchange is one request with the response to it, and what the access log
// will say of both.
type exchange struct {
	http.ResponseWriter
	r *http.Request

	requestID string
	param     string // the variable segment of the path
	start     time.Time

	status int // of the response; 0 until it is written
	size   int // bytes of the response's body
	err    error
	attrs  []slog.Attr // further fields for the access log
}

// WriteHeader implements http.ResponseWriter and remembers the status.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter and counts.
func (x *exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	n, err := x.ResponseWriter.Write(p)
	x.size += n
	return n, err
}

// note adds fields to the access log.
func (x *exchange) note(attrs ...slog.Attr) { x.attrs = append(x.attrs, attrs...) }

// decode reads the body as JSON into v. Only the first value counts and unknown
// members are ignored, as clients are used to.
func (x *exchange) decode(v any) error {
	body, err := x.body()
	if err == nil {
		err = decodeFirst(body, v)
	}
	if err == nil {
		return nil
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return ca.Errorf(ca.ErrTooLarge, "the body is larger than %d bytes", MaxBody)
	}
	return &ca.Error{Kind: ca.ErrMalformed, Detail: "error decoding json", Cause: err}
}

// body reads the request's body.
func (x *exchange) body() ([]byte, error) {
	var b bytes.Buffer
	b.Grow(int(min(max(x.r.ContentLength, 0), usualBody)) + bytes.MinRead)
	_, err := b.ReadFrom(http.MaxBytesReader(x.ResponseWriter, x.r.Body, MaxBody))
	return b.Bytes(), err
}

// decodeFirst decodes the first value in data. Nearly always it is the only one,
// and then there are ways that take less time and memory than a Decoder.
func decodeFirst(data []byte, v any) error {
	if body, ok := v.(interface{ ReadPlain([]byte) bool }); ok && body.ReadPlain(data) {
		return nil
	}
	if json.Unmarshal(data, v) == nil {
		return nil
	}
	return json.NewDecoder(bytes.NewReader(data)).Decode(v)
}

// reply writes v as JSON with a status of success.
func (x *exchange) reply(status int, v any) error {
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(v); err != nil {
		return err
	}
	return x.replyBytes(status, "application/json", body.Bytes())
}

// replyBytes writes a body as it is. A failure to write is the client's loss and
// not ours to report.
func (x *exchange) replyBytes(status int, contentType string, body []byte) error {
	h := x.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		x.Write(body)
	}
	return nil
}

// fail writes an error.
func (x *exchange) fail(err error) {
	x.err = err
	x.failBody(errorBody(err))
}

// retryAfter is how long, in seconds, overloaded clients are asked to wait.
const retryAfter = "5"

func (x *exchange) failBody(body api.Error) {
	switch body.Status {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		x.Header().Set("Retry-After", retryAfter)
	}
	if err := x.reply(body.Status, body); err != nil {
		io.WriteString(x, body.Message)
	}
}
