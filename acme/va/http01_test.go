package va

import (
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"stepca/acme"
	"stepca/ca"
)

func TestHTTP01(t *testing.T) {
	t.Parallel()
	const path = "/.well-known/acme-challenge/" + testToken
	tests := []struct {
		name      string
		handler   http.HandlerFunc
		problem   acme.ProblemType
		temporary bool
		text      string
	}{
		{"the key authorization", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != path || !strings.Contains(r.UserAgent(), "step-ca") {
				w.WriteHeader(http.StatusTeapot)
			}
			fmt.Fprint(w, testKeyAuth)
		}, "", false, ""},
		{"white space around it", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "\n"+testKeyAuth+" \r\n") }, "", false, ""},
		{"another account's", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, testToken+".x") },
			acme.ProblemIncorrectResponse, false, `answered with "` + testToken + `.x"`},
		{"not found", http.NotFound, acme.ProblemIncorrectResponse, true, "status 404"},
		{"followed redirect", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == path {
				http.Redirect(w, r, "/elsewhere", http.StatusFound)
				return
			}
			fmt.Fprint(w, testKeyAuth)
		}, "", false, ""},
		{"redirect loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path+"x", http.StatusFound) },
			acme.ProblemConnection, false, "more than 10"},
		{"redirect to another port", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:6379/", http.StatusFound)
		}, acme.ProblemConnection, false, "port 6379"},
		{"redirect to another scheme", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "gopher://127.0.0.1/", http.StatusFound)
		}, acme.ProblemConnection, false, `scheme "gopher"`},
		{"redirect to a metadata address", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
		}, acme.ProblemConnection, false, "link-local"},
		{"redirect to a name with a metadata address", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://metadata.example/", http.StatusFound)
		}, acme.ProblemConnection, false, "link-local"},
		{"redirect to a mapped metadata address", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://[::ffff:169.254.169.254]/", http.StatusFound)
		}, acme.ProblemConnection, false, "link-local"},
	}
	resolver := zone{"a.example. A": {"127.0.0.1"}, "metadata.example. A": {"169.254.169.254"}}.resolver(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := New(Config{HTTPPort: web(t, tt.handler), Resolver: resolver, StrictFQDN: true})
			for _, id := range []ca.Identifier{{Type: ca.DNS, Value: "a.example"}, {Type: ca.IP, Value: "127.0.0.1"}} {
				_, err := v.Validate(t.Context(), validation(acme.HTTP01, id))
				wantProblem(t, err, tt.problem, tt.temporary, tt.text)
			}
		})
	}
}

func TestHTTP01Addresses(t *testing.T) {
	t.Parallel()
	port := web(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, testKeyAuth) })
	v := New(Config{HTTPPort: port, StrictFQDN: true, Resolver: zone{
		// The server listens on 127.0.0.1 only.
		"dual.example. AAAA": {"::1"}, "dual.example. A": {"127.0.0.1"},
		"metadata.example. A":  {"169.254.169.254"},
		"broken.example. FAIL": {""},
	}.resolver(t)})
	for _, tt := range []struct {
		host      string
		problem   acme.ProblemType
		temporary bool
		text      string
	}{
		{"dual.example", "", false, ""},
		{"metadata.example", acme.ProblemConnection, false, "169.254.169.254 is link-local"},
		{"none.example", acme.ProblemDNS, true, "there is no address of none.example"},
		{"broken.example", acme.ProblemDNS, true, "looking up the address of broken.example"},
	} {
		_, err := v.Validate(t.Context(), validation(acme.HTTP01, ca.Identifier{Type: ca.DNS, Value: tt.host}))
		wantProblem(t, err, tt.problem, tt.temporary, tt.text)
	}
	closed := New(Config{HTTPPort: 1})
	_, err := closed.Validate(t.Context(), validation(acme.HTTP01, ca.Identifier{Type: ca.IP, Value: "127.0.0.1"}))
	wantProblem(t, err, acme.ProblemConnection, true, "127.0.0.1:1")
}

// An answer of a gigabyte costs neither its memory nor its time.
func TestHTTP01EndlessAnswer(t *testing.T) {
	chunk := make([]byte, 1<<20)
	v := New(Config{HTTPPort: web(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 1 << 10 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := v.Validate(t.Context(), validation(acme.HTTP01, ca.Identifier{Type: ca.IP, Value: "127.0.0.1"}))
	runtime.ReadMemStats(&after)
	wantProblem(t, err, acme.ProblemIncorrectResponse, false, "more than 8192 bytes")
	grown := after.TotalAlloc - before.TotalAlloc
	t.Logf("allocated %d KiB, heap %d KiB", grown>>10, after.HeapInuse>>10)
	if grown > 2<<20 {
		t.Errorf("allocated %d bytes", grown)
	}
}

// A server that sends a byte now and then does not hold a validation up.
func TestHTTP01SlowAnswer(t *testing.T) {
	t.Parallel()
	v := New(Config{Timeout: impatience, HTTPPort: web(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			fmt.Fprint(w, "x")
			w.(http.Flusher).Flush()
			time.Sleep(20 * time.Millisecond)
		}
	})})
	start := time.Now()
	_, err := v.Validate(t.Context(), validation(acme.HTTP01, ca.Identifier{Type: ca.IP, Value: "127.0.0.1"}))
	wantProblem(t, err, acme.ProblemConnection, true, "no answer in time")
	if took := time.Since(start); took > patience {
		t.Errorf("took %v", took)
	}
}

// Headers without end are cut off too.
func TestHTTP01EndlessHeader(t *testing.T) {
	t.Parallel()
	v := New(Config{HTTPPort: web(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", 1<<20))
	})})
	_, err := v.Validate(t.Context(), validation(acme.HTTP01, ca.Identifier{Type: ca.IP, Value: "127.0.0.1"}))
	wantProblem(t, err, acme.ProblemConnection, true, "header")
}

// Behind a proxy, names are the proxy's to look up; metadata addresses are still
// refused when an identifier or a redirect spells them out.
func TestHTTP01Proxy(t *testing.T) {
	t.Parallel()
	port := web(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "redirect.example" {
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
			return
		}
		fmt.Fprint(w, testKeyAuth)
	})
	proxy := &url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)}
	v := New(Config{HTTPProxy: proxy})
	_, err := v.Validate(t.Context(), validation(acme.HTTP01, ca.Identifier{Type: ca.DNS, Value: "far.example"}))
	wantProblem(t, err, "", false, "")
	_, err = v.Validate(t.Context(), validation(acme.HTTP01, ca.Identifier{Type: ca.DNS, Value: "redirect.example"}))
	wantProblem(t, err, acme.ProblemConnection, false, "link-local")
	_, err = v.Validate(t.Context(), validation(acme.HTTP01, ca.Identifier{Type: ca.IP, Value: "169.254.169.254"}))
	wantProblem(t, err, acme.ProblemConnection, false, "link-local")
}
