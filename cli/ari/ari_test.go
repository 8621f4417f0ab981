package ari

import (
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode"

	"stepca/acme"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// certificate n, of an issuer with a key identifier.
func certificate(n int64) *x509.Certificate {
	return &x509.Certificate{Raw: fmt.Append(nil, "certificate ", n), AuthorityKeyId: []byte{1, 2}, SerialNumber: big.NewInt(n)}
}

// server answers with a window, a header, and a status.
func server(t *testing.T, status int, window, retryAfter, contentType string) *Client {
	t.Helper()
	var url string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/directory":
			fmt.Fprintf(w, `{"renewalInfo": %q}`, url+"/info")
		case "/nothing":
			fmt.Fprint(w, `{}`)
		case "/info/AQI.Bw":
			w.Header().Set("Retry-After", retryAfter)
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			fmt.Fprint(w, window)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	url = s.URL
	return &Client{Directory: url + "/directory", HTTP: s.Client(), Now: func() time.Time { return noon }}
}

func TestAsk(t *testing.T) {
	t.Parallel()
	const window = `{"suggestedWindow": {"start": "2026-05-02T00:00:00Z", "end": "2026-05-03T00:00:00Z"}, "explanationURL": "https://ca.example/why"}`
	c := server(t, http.StatusOK, window, "21600", "application/json")
	s, err := c.Ask(t.Context(), certificate(7))
	if err != nil {
		t.Fatal(err)
	}
	if s.At.Before(s.Window.Start) || !s.At.Before(s.Window.End) {
		t.Errorf("the moment %v is not in the window %v", s.At, s.Window)
	}
	if again, err := c.Ask(t.Context(), certificate(7)); err != nil || !again.At.Equal(s.At) {
		t.Errorf("asked again, the moment is %v (%v), not %v", again, err, s.At)
	}
	if want := noon.Add(6 * time.Hour); !s.Again.Equal(want) || s.Explanation != "https://ca.example/why" {
		t.Errorf("ask again at %v, explanation %q; want %v and the URL", s.Again, s.Explanation, want)
	}
	if s.Due(noon) || !s.Due(s.At) {
		t.Error("due before the moment, or not at it")
	}
}

func TestAskWithoutAnswer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status      int
		body, media string
		want        string
	}{
		"window of no length": {200, `{"suggestedWindow": {"start": "2026-05-02T00:00:00Z", "end": "2026-05-02T00:00:00Z"}}`, "application/json", "no period of time"},
		"no window":           {200, `{}`, "application/json", "no period of time"},
		"not JSON":            {200, `<html>`, "text/html", "invalid character"},
		"a problem":           {404, `{"detail": "no such certificate\u001b[2J"}`, "application/problem+json", `404 Not Found: "no such certificate\x1b[2J"`},
		"a failure":           {503, `busy`, "text/plain", "503 Service Unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := server(t, tt.status, tt.body, "", tt.media)
			if s, err := c.Ask(t.Context(), certificate(7)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Ask = %v, %v; want an error with %q", s, err, tt.want)
			}
		})
	}
}

func TestAskUnsupported(t *testing.T) {
	t.Parallel()
	c := server(t, 200, "", "", "")
	c.Directory = strings.Replace(c.Directory, "/directory", "/nothing", 1)
	if _, err := c.Ask(t.Context(), certificate(7)); err != ErrUnsupported {
		t.Errorf("error %v, want ErrUnsupported", err)
	}
}

// Certificates are spread over the whole window.
func TestMomentIsUniform(t *testing.T) {
	t.Parallel()
	w := acme.Window{Start: noon, End: noon.Add(10 * time.Hour)}
	const n = 2000
	var count [10]int
	for i := range int64(n) {
		count[int(moment(certificate(i), w).Sub(w.Start)/time.Hour)]++
	}
	for hour, c := range count {
		if c < n/20 || c > n*3/20 {
			t.Errorf("%d of %d certificates in hour %d: %v", c, n, hour, count)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"":                              6 * time.Hour,
		"7200":                          2 * time.Hour,
		"1":                             time.Minute,
		"4000000000":                    24 * time.Hour,
		"99999999999999999999":          6 * time.Hour,
		"-5":                            6 * time.Hour,
		"Fri, 01 May 2026 13:00:00 GMT": time.Hour,
		"Fri, 01 May 2020 13:00:00 GMT": time.Minute,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, noon).Sub(noon); got != want {
			t.Errorf("Retry-After %q: %v, want %v", text, got, want)
		}
	}
}

func TestWebPage(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://ca.example/why?x=1": "https://ca.example/why?x=1",
		"javascript:alert(1)":        "",
		"https://x/\x1b[2J":          "",
		"":                           "",
	} {
		if got := webPage(in); got != want {
			t.Errorf("webPage(%q) = %q, want %q", in, got, want)
		}
	}
}

// An answerer answers the directory, and everything else with a body and a header.
type answerer struct{ body, retryAfter string }

func (a answerer) RoundTrip(r *http.Request) (*http.Response, error) {
	body := a.body
	if r.URL.Path == "/directory" {
		body = `{"renewalInfo": "https://ca.example/info"}`
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Retry-After": {a.retryAfter}}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// Whatever a server says, the moment is in its window, the next question within a
// day, and the explanation can be shown.
func FuzzAsk(f *testing.F) {
	f.Add(`{"suggestedWindow": {"start": "2026-05-02T00:00:00Z", "end": "2026-05-03T00:00:00Z"}, "explanationURL": "https://ca.example/why"}`, "21600")
	f.Add(`{"suggestedWindow": {"start": "0001-01-02T00:00:00Z", "end": "9999-12-31T23:59:59Z"}}`, "Fri, 01 May 2026 13:00:00 GMT")
	f.Add(`{"suggestedWindow": {"start": "2026-05-02T00:00:00Z", "end": "2026-05-02T00:00:00.000000001Z"}}`, "-1")
	f.Add(`{`, "")
	f.Fuzz(func(t *testing.T, body, retryAfter string) {
		c := &Client{Directory: "https://ca.example/directory", HTTP: &http.Client{Transport: answerer{body, retryAfter}}, Now: func() time.Time { return noon }}
		s, err := c.Ask(t.Context(), certificate(7))
		if err != nil {
			return
		}
		if s.At.Before(s.Window.Start) || !s.At.Before(s.Window.End) {
			t.Errorf("the moment %v is not in the window %v", s.At, s.Window)
		}
		if s.Again.Before(noon.Add(time.Minute)) || s.Again.After(noon.Add(24*time.Hour)) {
			t.Errorf("to be asked again at %v", s.Again)
		}
		if strings.ContainsFunc(s.Explanation, unicode.IsControl) {
			t.Errorf("explanation %q", s.Explanation)
		}
	})
}
