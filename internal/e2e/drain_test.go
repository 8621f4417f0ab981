//go:build unix

package e2e

import (
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"stepca/internal/catest"
)

// A slowRequest is a POST /sign whose second half the client has not sent yet.
type slowRequest struct {
	body   string // the second half
	writer *io.PipeWriter
	answer chan slowAnswer
}

type slowAnswer struct {
	status int
	err    error
}

// beginSlowly sends the first half and lets the server wait for the rest.
func beginSlowly(t *testing.T, ca *catest.CA) *slowRequest {
	t.Helper()
	_, csr := ca.CSR(x509.CertificateRequest{})
	body := `{"csr":` + quote(csr) + `,"ott":"` + ca.Token("a.example.com", nil, nil) + `"}`
	reader, writer := io.Pipe()
	req, err := http.NewRequest(http.MethodPost, ca.URL+"/1.0/sign", reader)
	if err != nil {
		t.Fatal(err)
	}
	// The client sends nothing of the body until the server says that it reads it.
	req.Header.Set("Expect", "100-continue")
	r := &slowRequest{body: body[len(body)/2:], writer: writer, answer: make(chan slowAnswer, 1)}
	hc := ca.HTTP(nil)
	hc.Timeout, hc.Transport.(*http.Transport).ExpectContinueTimeout = 2*patience, patience
	go func() {
		resp, err := hc.Do(req)
		if err != nil {
			r.answer <- slowAnswer{err: err}
			return
		}
		resp.Body.Close()
		r.answer <- slowAnswer{status: resp.StatusCode}
	}()
	if _, err := io.WriteString(writer, body[:len(body)/2]); err != nil {
		t.Fatal(err)
	}
	return r
}

// finish sends the rest and returns the answer.
func (r *slowRequest) finish() slowAnswer {
	io.WriteString(r.writer, r.body)
	r.writer.Close()
	return <-r.answer
}

// TestDrain: after SIGTERM a request under way is answered, no new connection is
// accepted, and the exit code is 0.
func TestDrain(t *testing.T) {
	t.Parallel()
	ca := catest.Prepare(t, catest.Options{Edit: onDisk("pebble")})
	pidFile := filepath.Join(t.TempDir(), "pid")
	p := serve(t, ca, "--pidfile", pidFile)
	if pid, err := os.ReadFile(pidFile); err != nil || string(pid) != itoa(p.cmd.Process.Pid)+"\n" {
		t.Errorf("pid file: %q, %v", pid, err)
	}
	request := beginSlowly(t, ca)
	p.signal(syscall.SIGTERM)
	p.expect("shutting down ...")
	waitRefused(t, strings.TrimPrefix(ca.URL, "https://"))
	if a := request.finish(); a.err != nil || a.status != http.StatusCreated {
		t.Errorf("the request under way: %d %v", a.status, a.err)
	}
	if code := p.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Stat(pidFile); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the pid file is still there: %v", err)
	}
}

// TestSecondSignal: who asks twice does not wait for requests under way.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	ca := catest.Prepare(t, catest.Options{})
	p := serve(t, ca)
	request := beginSlowly(t, ca)
	p.signal(syscall.SIGINT)
	p.expect("shutting down ...")
	p.signal(syscall.SIGINT)
	<-p.exited
	if status := p.cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGINT {
		t.Errorf("ended with %v", p.cmd.ProcessState)
	}
	if a := request.finish(); a.err == nil {
		t.Errorf("the request under way: %d", a.status)
	}
}
