//go:build unix

package acme

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"stepca/internal/acmetest"
	"stepca/internal/cleanenv"
)

// clientTime bounds one run of a client, and what is waited for of a server, on a
// machine that does much else.
const clientTime = 3 * time.Minute

// Reasons for a revocation (RFC 5280 §5.3.1).
const (
	unspecified   = 0
	keyCompromise = 1
	superseded    = 4
)

// shortLived are members of a provisioner whose certificates live for seconds, so
// that one can wait for renewals.
var shortLived = map[string]any{"claims": map[string]any{"minTLSCertDuration": "1s", "defaultTLSCertDuration": "20s"}}

// noBackdate makes validity begin when a certificate is issued, not a minute before:
// clients look at how much of it is over.
func noBackdate(cfg map[string]any) { cfg["authority"].(map[string]any)["backdate"] = "0s" }

// A client is a program that gets certificates, and what its runs have in common.
type client struct {
	*acmetest.World
	program string
	root    string // file of the CA's root, which everybody can read
	environ []string
}

// newClient returns a client in a world of its own, where accounts have to agree to
// terms of service. provisioner are further members of the provisioner. Where the
// program is missing, the test is skipped, or fails if CI is set.
func newClient(t *testing.T, program, debianPackage string, provisioner map[string]any, edits ...func(cfg map[string]any)) *client {
	t.Helper()
	path := lookProgram(t, program, debianPackage)
	members := map[string]any{"termsOfService": "https://ca.example.com/terms", "requireTermsOfService": true}
	maps.Copy(members, provisioner)
	w := acmetest.New(t, members, edits...)
	root, err := os.ReadFile(w.CA.RootFile)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{World: w, program: path, root: w.Write(t, "root_ca.crt", string(root), 0o644)}
	c.environ = append(cleanenv.Environ(),
		"HOME="+w.Dir, "XDG_DATA_HOME="+w.Dir, "XDG_CONFIG_HOME="+w.Dir,
		"SSL_CERT_FILE="+c.root,      // OpenSSL, Go
		"REQUESTS_CA_BUNDLE="+c.root, // Python's requests
		"LEGO_CA_CERTIFICATES="+c.root,
	)
	return c
}

// port returns the port of the CA.
func (c *client) port() string { return strings.TrimPrefix(c.CA.URL, "https://127.0.0.1:") }

// open lets other users look into the directory of the world: servers that root
// starts become somebody else.
func (c *client) open(t *testing.T) {
	t.Helper()
	if err := os.Chmod(filepath.Dir(c.Dir), 0o711); err != nil {
		t.Fatal(err)
	}
}

// lookProgram returns the path of a program, which may be one for administrators.
func lookProgram(t *testing.T, program, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		path, err = exec.LookPath(filepath.Join("/usr/sbin", program))
	}
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not installed: apt-get install %s", program, debianPackage)
		}
		t.Skipf("%s is not installed: apt-get install %s", program, debianPackage)
	}
	return path
}

// run runs the client, which has to succeed.
func (c *client) run(t *testing.T, args ...string) string {
	t.Helper()
	return c.runProgram(t, c.program, args...)
}

func (c *client) try(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return c.tryProgram(t, c.program, args...)
}

// runProgram runs another program beside the client, which has to succeed.
func (c *client) runProgram(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := c.tryProgram(t, program, args...)
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
	return out
}

func (c *client) tryProgram(t *testing.T, program string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), clientTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env, cmd.Dir = c.environ, c.Dir
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// A transcript is what a server said.
type transcript struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

// serve starts a program that runs until the test ends, when it gets SIGTERM. What
// it said is logged if the test failed.
func (c *client) serve(t *testing.T, program string, args ...string) *transcript {
	t.Helper()
	said := new(transcript)
	cmd := exec.Command(program, args...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = c.environ, c.Dir, said, said
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", program, said)
		}
	})
	return said
}

// fetch gets https://name/ at TLS with curl, which trusts the CA and nobody else,
// again and again until that succeeds, and returns the page.
func (c *client) fetch(t *testing.T, name string) string {
	t.Helper()
	curl := lookProgram(t, "curl", "curl")
	var page string
	c.wait(t, "what curl gets of "+name, func() bool {
		out, err := c.tryProgram(t, curl, "--silent", "--max-time", "10", "--cacert", c.root,
			"--resolve", name+":"+c.TLSPort()+":127.0.0.1", "https://"+name+":"+c.TLSPort()+"/")
		page = strings.TrimSpace(out)
		return err == nil
	})
	return page
}

// wait waits until something is true.
func (c *client) wait(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(clientTime); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", clientTime, what)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// shown returns the chain that the server at TLS shows for a name, leaf first, as
// soon as there is one of the CA.
func (c *client) shown(t *testing.T, name string) []*x509.Certificate {
	t.Helper()
	return c.shownWhen(t, "a certificate", name, func(*x509.Certificate) bool { return true })
}

// renewedFrom waits until the server at TLS shows another certificate than it did
// first, checks it, and returns the chain.
func (c *client) renewedFrom(t *testing.T, name string, first []*x509.Certificate) []*x509.Certificate {
	t.Helper()
	chain := c.shownWhen(t, "a renewed certificate", name, func(leaf *x509.Certificate) bool { return !leaf.Equal(first[0]) })
	c.Check(t, chain, name)
	return chain
}

// shownWhen waits for a certificate of the CA, which it may not have while it starts
// or reloads, that fits. It does not verify: certificates that live for seconds may
// have expired.
func (c *client) shownWhen(t *testing.T, what, name string, fits func(leaf *x509.Certificate) bool) (chain []*x509.Certificate) {
	t.Helper()
	c.wait(t, what, func() bool {
		conn, err := tls.Dial("tcp", c.TLS, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err != nil {
			return false
		}
		defer conn.Close()
		chain = conn.ConnectionState().PeerCertificates
		return len(chain) > 1 && chain[1].CheckSignatureFrom(c.CA.Root) == nil && fits(chain[0])
	})
	return chain
}

// wantRenewed fails the test if both are the same certificate.
func wantRenewed(t *testing.T, first, second *x509.Certificate) {
	t.Helper()
	if first.SerialNumber.Cmp(second.SerialNumber) == 0 {
		t.Error("the certificate was not renewed")
	}
}
