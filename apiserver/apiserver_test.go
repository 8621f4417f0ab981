package apiserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stepca/ca"
	"stepca/issue"
	"stepca/store"
)

// TestErrorBodies holds the sentences that clients know.
func TestErrorBodies(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err     error
		status  int
		message string
	}{
		{ca.Errorf(ca.ErrMalformed, "missing csr"), 400, "The request could not be completed: missing csr."},
		{&ca.Error{Kind: ca.ErrMalformed}, 400, "The request could not be completed; malformed or missing data. Please see the certificate authority logs for more info."},
		{ca.Hidden(ca.ErrUnauthorized, "token already used"), 401, "The request lacked necessary authorization to be completed. Please see the certificate authority logs for more info."},
		{fmt.Errorf("authorizing: %w", ca.Errorf(ca.ErrUnauthorized, `provisioner "x" is disabled due to an initialization error`)), 401, `provisioner "x" is disabled due to an initialization error`},
		{ca.Errorf(ca.ErrForbidden, "too long"), 403, "The request was forbidden by the certificate authority: too long."},
		{ca.Errorf(ca.ErrRejectedIdentifier, `dns name "a" not allowed`), 403, `The request was forbidden by the certificate authority: dns name "a" not allowed`},
		{ca.Errorf(ca.ErrAlreadyRevoked, "is already revoked"), 400, "The request could not be completed: is already revoked."},
		{&ca.Error{Kind: ca.ErrNotFound}, 404, "The requested resource could not be found. Please see the certificate authority logs for more info."},
		{ca.Hidden(ca.ErrNotImplemented, "x"), 501, "The requested method is not implemented by the certificate authority. Please see the certificate authority logs for more info."},
		{&ca.Error{Detail: "error applying certificate template"}, 500, "error applying certificate template"},
		{errors.New("open /secret/path: no such file"), 500, "The certificate authority encountered an Internal Server Error. Please see the certificate authority logs for more info."},
		{ca.Errorf(ca.ErrTooLarge, "the body is larger than 5 bytes"), 413, "The request could not be completed: the body is larger than 5 bytes."},
		{ca.Hidden(ca.ErrUnavailable, "disk full"), 503, "The certificate authority is not available at the moment; try again later."},
	} {
		if got := errorBody(tt.err); got.Status != tt.status || got.Message != tt.message {
			t.Errorf("errorBody(%v) = %d %q, want %d %q", tt.err, got.Status, got.Message, tt.status, tt.message)
		}
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	var table routes
	table.handle(http.MethodGet, "/health", nil)
	table.handle(http.MethodGet, "/root/*", nil)
	table.handle(http.MethodGet, "/provisioners/*/encrypted-key", nil)
	for _, tt := range []struct {
		path, param string
		ok          bool
	}{
		{"/health", "", true},
		{"/1.0/health", "", true},
		{"/1.0/1.0/health", "", false},
		{"/1.0health", "", false},
		{"/health/", "", false},
		{"/1.0", "", false},
		{"/root/ab", "ab", true},
		{"/root/", "", false},
		{"/root/a/b", "", false},
		{"/provisioners/k%2Fid/encrypted-key", "k%2Fid", true},
		{"/provisioners//encrypted-key", "", false},
	} {
		if _, param, ok := table.find(tt.path); ok != tt.ok || param != tt.param {
			t.Errorf("find(%q) = %q, %v, want %q, %v", tt.path, param, ok, tt.param, tt.ok)
		}
	}
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	const legacy = "X-Smallstep-Id"
	for _, tt := range []struct {
		name, id, legacy, want string // want "" is a new one
	}{
		{name: "the client's", id: "abc", legacy: "x", want: "abc"},
		{name: "under the older name", legacy: "x", want: "x"},
		{name: "none"},
		{name: "too long", id: strings.Repeat("a", 129)},
		{name: "two lines", id: "a\nb"},
		{name: "not ASCII", id: "ü"},
	} {
		h := http.Header{}
		h["X-Request-Id"], h[legacy] = []string{tt.id}, []string{tt.legacy}
		got := requestID(h, legacy)
		if tt.want != "" && got != tt.want || tt.want == "" && len(got) != 36 {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestAccessLog(t *testing.T) {
	t.Parallel()
	const token = "eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiJvbmUtdGltZSJ9.c2ln" // {"jti":"one-time"}
	line := func(edit func(*AccessLog)) string {
		var out bytes.Buffer
		l := NewAccessLog(&out, LogText)
		if edit != nil {
			edit(l)
		}
		r := httptest.NewRequest("POST", "/1.0/sign?x=1", nil)
		r.RemoteAddr = "192.0.2.1:1234"
		r.Header.Set("User-Agent", "evil\r\nagent")
		r.Header.Set("X-Forwarded-For", "198.51.100.7, 10.0.0.1")
		x := &exchange{ResponseWriter: httptest.NewRecorder(), r: r, requestID: "id", start: time.Now(), status: 401, size: 7, err: errors.New("no good")}
		x.note(slog.Any("ott", loggedToken(token)), slog.Int("reasonCode", 1))
		l.record(x)
		return out.String()
	}
	text := line(nil)
	for _, want := range []string{"level=warning", "status=401", `path="/1.0/sign?x=1"`, "remote-address=192.0.2.1", `ott="jti:one-time"`, `error="no good"`, "request-id=id", "user-agent=evilagent", "reasonCode=1"} {
		if !strings.Contains(text, want) {
			t.Errorf("text line lacks %s: %s", want, text)
		}
	}
	if strings.Contains(text, token) || strings.Count(text, "\n") != 1 {
		t.Errorf("text line: %s", text)
	}
	var fields map[string]any
	if err := json.Unmarshal([]byte(line(func(l *AccessLog) { l.Format = LogJSON })), &fields); err != nil {
		t.Fatal(err)
	}
	if fields["ott"] != "jti:one-time" || fields["msg"] != "" || fields["fields.time"] == nil || fields["status"] != 401.0 {
		t.Errorf("JSON line: %v", fields)
	}
	common := line(func(l *AccessLog) { l.Format = LogCommon })
	if !strings.HasPrefix(common, "id 192.0.2.1 ca - ") || !strings.HasSuffix(common, `"POST /1.0/sign?x=1 HTTP/1.1" 401 7`+"\n") {
		t.Errorf("common line: %s", common)
	}
	if real := line(func(l *AccessLog) { l.RealIP = true }); !strings.Contains(real, "remote-address=198.51.100.7") {
		t.Errorf("behind a proxy: %s", real)
	}
}

// TestOverload: beyond the limit requests are told to come back, at once.
func TestOverload(t *testing.T) {
	t.Parallel()
	s := &Server{slots: make(chan struct{}, 1)}
	s.slots <- struct{}{}
	w := httptest.NewRecorder()
	s.serve(w, httptest.NewRequest("GET", "/health", nil), &s.routes, nil)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("status %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
}

func TestLargeBody(t *testing.T) {
	t.Parallel()
	body := `{"ott":"` + strings.Repeat("a", MaxBody) + `"}`
	x := &exchange{ResponseWriter: httptest.NewRecorder(), r: httptest.NewRequest("POST", "/sign", strings.NewReader(body))}
	var v struct{ OTT string }
	if err := x.decode(&v); !errors.Is(err, ca.ErrTooLarge) {
		t.Errorf("decode = %v, want ErrTooLarge", err)
	}
}

// outcomes notes what it hears of.
type outcomes struct {
	events   []issue.Event
	refusals []*store.Refusal
}

func (o *outcomes) Issued(ev issue.Event)          { o.events = append(o.events, ev) }
func (o *outcomes) RecordRefusal(r *store.Refusal) { o.refusals = append(o.refusals, r) }

func TestRevocationsAreObserved(t *testing.T) {
	t.Parallel()
	var seen outcomes
	s := &Server{cfg: Config{Revocations: &seen, Refusals: &seen}}
	x := &exchange{requestID: "id", start: time.Now()}
	for _, want := range []error{nil, ca.Errorf(ca.ErrForbidden, "no")} {
		err := s.observed(x, ca.RevokeX509, func(_ *exchange, by *ca.ProvisionerRef) error {
			by.Name = "admin"
			return want
		})
		if err != want {
			t.Errorf("observed = %v, want %v", err, want)
		}
	}
	if len(seen.events) != 2 || seen.events[0].Err != nil || seen.events[1].Err == nil || seen.events[0].Provisioner.Name != "admin" {
		t.Errorf("events: %v", seen.events)
	}
	if len(seen.refusals) != 1 || seen.refusals[0].Reason != "no" || seen.refusals[0].RequestID != "id" {
		t.Errorf("refusals: %v", seen.refusals)
	}
}
