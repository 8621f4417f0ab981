package va

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"stepca/acme"
	"stepca/ca"
)

// listen runs a server of its own kind on loopback and returns its port. Its
// connections are closed when serve returns, and when the test ends.
func listen(t *testing.T, serve func(net.Conn)) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		l.Close()
	})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			stop := context.AfterFunc(ctx, func() { conn.Close() })
			go func() {
				defer stop()
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return portOf(t, l.Addr().String())
}

// says is a server that reads a request and sends text, whatever it is.
func says(text string) func(net.Conn) {
	return func(conn net.Conn) {
		conn.Read(make([]byte, 4096))
		io.WriteString(conn, text)
	}
}

// drips is one that sends a text over and over, a byte at a time, after another.
func drips(first, text string) func(net.Conn) {
	return func(conn net.Conn) {
		conn.Read(make([]byte, 4096))
		io.WriteString(conn, first)
		for i := 0; ; i++ {
			if _, err := conn.Write([]byte{text[i%len(text)]}); err != nil {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

var loopbackID = ca.Identifier{Type: ca.IP, Value: "127.0.0.1"}

// patience is the timeout of validations that do not need one; impatience that of
// validations that would never end.
const (
	patience   = time.Minute
	impatience = time.Second
)

// timeoutFor is patience unless a server never comes to an end.
func timeoutFor(endless bool) time.Duration {
	if endless {
		return impatience
	}
	return patience
}

// bounded validates, and fails the test if that takes as long as the patience, or
// the problem says much.
func bounded(t *testing.T, v *Validator, req *acme.Validation) error {
	t.Helper()
	start := time.Now()
	_, err := v.Validate(t.Context(), req)
	if took := time.Since(start); took > patience {
		t.Errorf("took %v", took)
	}
	if p, ok := err.(*acme.Problem); ok && len(p.Detail) > 3000 {
		t.Errorf("the problem has %d bytes", len(p.Detail))
	}
	return err
}

func TestHostileHTTPServers(t *testing.T) {
	t.Parallel()
	const c, ir = acme.ProblemConnection, acme.ProblemIncorrectResponse
	answer := func(status, header, body string) func(net.Conn) {
		return says("HTTP/1.1 " + status + "\r\nConnection: close\r\n" + header + "\r\n" + body)
	}
	right := fmt.Sprintf("Content-Length: %d\r\n", len(testKeyAuth))
	for name, tt := range map[string]struct {
		serve     func(net.Conn)
		problem   acme.ProblemType
		temporary bool
		text      string
	}{
		"closes at once":            {func(net.Conn) {}, c, true, ""},
		"says nothing":              {func(conn net.Conn) { io.Copy(io.Discard, conn) }, c, true, "no answer in time"},
		"speaks another protocol":   {says("SSH-2.0-OpenSSH_9.9\r\n"), c, true, "malformed HTTP"},
		"speaks HTTP/0.9":           {says(testKeyAuth), c, true, "malformed HTTP"},
		"drips its status":          {drips("", "HTTP/1.1 200 OK"), c, true, "no answer in time"},
		"drips a header":            {drips("HTTP/1.1 200 OK\r\nX: ", "x"), c, true, "no answer in time"},
		"drips many headers":        {drips("HTTP/1.1 200 OK\r\n", "X: y\r\n"), c, true, "no answer in time"},
		"drips a body":              {drips("HTTP/1.1 200 OK\r\n\r\n", "x"), c, true, "no answer in time"},
		"drips chunks":              {drips("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"), c, true, "no answer in time"},
		"drips a trailer":           {drips("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n"), c, true, ""},
		"a million interim answers": {says(strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 100000)), c, true, ""},
		"headers without end":       {says("HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 1<<18)), c, true, ""},
		"status 000":                {answer("000 x", right, testKeyAuth), ir, true, "status 0"},
		"status 999":                {answer("999 x", right, testKeyAuth), ir, true, "status 999"},
		"a status in words":         {answer("OK", right, testKeyAuth), c, true, "malformed HTTP"},
		"a status of 20 digits":     {answer("20000000000000000000 OK", right, testKeyAuth), c, true, "malformed HTTP"},
		"status 500":                {answer("500 x", right, testKeyAuth), ir, true, "status 500"},
		"status 404":                {answer("404 x", right, testKeyAuth), ir, true, "status 404"},
		"status 204":                {answer("204 No Content", "", ""), ir, false, `""`},
		"status 304":                {answer("304 Not Modified", "", ""), ir, false, `""`},
		"a negative length":         {answer("200 OK", "Content-Length: -1\r\n", testKeyAuth), c, true, "Content-Length"},
		"two lengths":               {answer("200 OK", right+"Content-Length: 5\r\n", testKeyAuth), c, true, "Content-Length"},
		"a length of exabytes":      {answer("200 OK", "Content-Length: 9223372036854775807\r\n", testKeyAuth), c, true, "unexpected EOF"},
		"half of the answer":        {answer("200 OK", "Content-Length: 1000\r\n", testKeyAuth), c, true, "unexpected EOF"},
		"the token only":            {answer("200 OK", "", testToken), ir, false, "instead of"},
		"the answer twice":          {answer("200 OK", "", testKeyAuth+"\n"+testKeyAuth), ir, false, "instead of"},
		"in another case":           {answer("200 OK", "", strings.ToUpper(testKeyAuth)), ir, false, "instead of"},
		"with a NUL":                {answer("200 OK", "", testKeyAuth+"\x00"), ir, false, "instead of"},
		"after a BOM":               {answer("200 OK", "", "\ufeff"+testKeyAuth), ir, false, "instead of"},
		"escape sequences":          {answer("200 OK", "", "\x1b]0;x\x07\xff\u202e"), ir, false, `\x1b]0;x\a`},
		"a body by another status":  {answer("206 Partial Content", right, testKeyAuth), "", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			endless := name == "says nothing" || strings.HasPrefix(name, "drips")
			v := New(Config{HTTPPort: listen(t, tt.serve), Timeout: timeoutFor(endless)})
			wantProblem(t, bounded(t, v, validation(acme.HTTP01, loopbackID)), tt.problem, tt.temporary, tt.text)
		})
	}
}

func TestHostileRedirects(t *testing.T) {
	t.Parallel()
	resolver := zone{"a.example. A": {"127.0.0.1"}, "aws.example. A": {"169.254.169.254"}, "six.example. AAAA": {"fe80::1"}, "mapped.example. AAAA": {"::ffff:169.254.169.254"}}.resolver(t)
	for location, want := range map[string]string{
		"file:///etc/passwd": `scheme "file"`, "ftp://a.example/": `scheme "ftp"`, "javascript:1": `scheme "javascript"`, "data:,x": `scheme "data"`, "unix:/run/x": "scheme",
		"http://169.254.169.254/": "link-local", "https://169.254.169.254/": "link-local", "//169.254.169.254/": "link-local", "http://[fe80::1%25lo]/": "link-local", "http://[fe80::]/": "link-local",
		"http://[::ffff:169.254.169.254]/": "link-local", "http://[::ffff:a9fe:a9fe]/": "link-local", "http://[64:ff9b::a9fe:a9fe]/": "link-local", "http://[2002:a9fe:a9fe::]/": "link-local",
		"http://aws.example/": "link-local", "http://six.example/": "link-local", "http://mapped.example/": "link-local", "http://0.0.0.0/": "not the address of a host", "http://[::]/": "not the address of a host",
		"http://[ff02::1]/": "not the address of a host", "http://a.example:22/": "port 22", "http://a.example:0/": "port 0", "http://user:secret@a.example/": "user name", "http://": "no host", "http:///x": "no host",
		"http://a.example/" + strings.Repeat("x", 5000): "more than 2000 bytes", "http://a.example:80:80/": "", "http://%zz/": "", "http://a b/": "", ":": "", "http://[::1": "",
	} {
		t.Run(location[:min(len(location), 40)], func(t *testing.T) {
			t.Parallel()
			port := listen(t, says("HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: "+location+"\r\n\r\n"))
			v := New(Config{HTTPPort: port, Resolver: resolver, StrictFQDN: true, Timeout: patience})
			err := bounded(t, v, validation(acme.HTTP01, loopbackID))
			p, ok := err.(*acme.Problem)
			if !ok || !p.HasType(acme.ProblemConnection) || !strings.Contains(p.Detail, want) {
				t.Errorf("redirect to %q: %v, want a connection problem with %q", location, err, want)
			}
			if ok && strings.Contains(p.Detail, "secret") {
				t.Errorf("the problem tells the password: %s", p.Detail)
			}
		})
	}
	t.Run("without a location", func(t *testing.T) {
		t.Parallel()
		v := New(Config{HTTPPort: listen(t, says("HTTP/1.1 302 Found\r\nConnection: close\r\n\r\n"))})
		wantProblem(t, bounded(t, v, validation(acme.HTTP01, loopbackID)), acme.ProblemIncorrectResponse, false, "instead of")
	})
	t.Run("to https", func(t *testing.T) {
		t.Parallel()
		secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, testKeyAuth) }))
		t.Cleanup(secure.Close)
		v := New(Config{TLSPort: portOf(t, secure.Listener.Addr().String()), HTTPPort: web(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, secure.URL+r.URL.Path, http.StatusMovedPermanently)
		})})
		wantProblem(t, bounded(t, v, validation(acme.HTTP01, loopbackID)), "", false, "")
	})
	t.Run("in circles", func(t *testing.T) {
		t.Parallel()
		var requests atomic.Int32
		v := New(Config{HTTPPort: web(t, func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
		})})
		wantProblem(t, bounded(t, v, validation(acme.HTTP01, loopbackID)), acme.ProblemConnection, false, "more than 10")
		if n := requests.Load(); n != 11 {
			t.Errorf("%d requests, want 11", n)
		}
	})
}

// What a redirect leads to is not shown to whoever made it.
func TestRedirectTellsNoSecrets(t *testing.T) {
	t.Parallel()
	v := New(Config{HTTPPort: web(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/admin" {
			io.WriteString(w, "password: hunter2")
			return
		}
		http.Redirect(w, r, "/admin", http.StatusFound)
	})})
	err := bounded(t, v, validation(acme.HTTP01, loopbackID))
	wantProblem(t, err, acme.ProblemIncorrectResponse, false, "/admin) answered with something else")
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("err = %v", err)
	}
}

// A name whose first address is harmless and whose next one is not.
func TestDNSRebinding(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	resolver := serveDNS(t, func(w dns.ResponseWriter, query *dns.Msg) {
		reply := new(dns.Msg)
		reply.SetReply(query)
		if q := query.Question[0]; q.Qtype == dns.TypeA {
			address := "169.254.169.254"
			if asked.Add(1) == 1 {
				address = "127.0.0.1"
			}
			reply.Answer = append(reply.Answer, record(t, q.Name+" 0 IN A "+address))
		}
		w.WriteMsg(reply)
	})
	v := New(Config{Resolver: resolver, StrictFQDN: true, HTTPPort: web(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+r.Host+"/latest/meta-data", http.StatusFound)
	})})
	err := bounded(t, v, validation(acme.HTTP01, ca.Identifier{Type: ca.DNS, Value: "rebind.example"}))
	wantProblem(t, err, acme.ProblemConnection, false, "link-local")
}

// A bomb is not unpacked, nor asked for.
func TestGzipBomb(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range 64 {
		z.Write(zeros)
	}
	z.Close()
	small := bomb.Bytes()[:8000]
	for _, body := range [][]byte{bomb.Bytes(), small} {
		v := New(Config{HTTPPort: web(t, func(w http.ResponseWriter, r *http.Request) {
			if accept := r.Header.Get("Accept-Encoding"); accept != "" {
				t.Errorf("Accept-Encoding %q", accept)
			}
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(body)
		})})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := bounded(t, v, validation(acme.HTTP01, loopbackID))
		runtime.ReadMemStats(&after)
		wantProblem(t, err, acme.ProblemIncorrectResponse, false, "answered with")
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 4<<20 {
			t.Errorf("allocated %d bytes", grown)
		}
	}
}

// Versions of TLS that are broken are not spoken, not even to read a public file.
func TestRedirectToOldTLS(t *testing.T) {
	t.Parallel()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.TLS = &tls.Config{MaxVersion: tls.VersionTLS11}
	secure.StartTLS()
	t.Cleanup(secure.Close)
	v := New(Config{TLSPort: portOf(t, secure.Listener.Addr().String()), HTTPPort: web(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, secure.URL, http.StatusFound)
	})})
	wantProblem(t, bounded(t, v, validation(acme.HTTP01, loopbackID)), acme.ProblemConnection, true, "protocol version")
}
