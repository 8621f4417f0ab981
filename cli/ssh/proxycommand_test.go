//go:build unix

package ssh_test

import (
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"stepca/internal/freeport"
)

// Whoever has logged in reaches hosts when the authority is out of reach, and is
// told why there was no bastion; what the authority refuses stays refused.
func TestProxyWithoutAuthority(t *testing.T) {
	t.Parallel()
	needOpenSSH(t)
	in, out := newPerson(t, newCA(t, nil)), newPerson(t, newCA(t, nil))
	in.startAgent()
	out.startAgent()
	in.step("ssh", "login", "alice", in.pw())
	target := newTarget(t)

	nobody := []string{"--ca-url", fmt.Sprintf("https://127.0.0.1:%d", freeport.Port(t))}
	broken := newAnswering(t, http.StatusBadGateway)
	const without = "Connecting to 127.0.0.1 without the certificate authority, with the certificate in ssh-agent.\n"
	for _, tt := range []struct {
		name      string
		who       *person
		authority []string
		connects  bool
		stderr    string
	}{
		{"nobody listens", in, nobody, true, "connect: connection refused\n" + without},
		{"what stands in front of it answers", in, broken, true, "the certificate authority answered with status 502 Bad Gateway\n" + without},
		{"not logged in", out, nobody, false, "connect: connection refused"},
		{"it refuses", in, newAnswering(t, http.StatusForbidden), false, "the certificate authority answered with status 403 Forbidden"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cmd := tt.who.command("step", append([]string{"ssh", "proxycommand", "alice", "127.0.0.1", target}, tt.authority...)...)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			got, err := cmd.Output()
			if want := map[bool]string{true: "hello"}[tt.connects]; string(got) != want || (err == nil) != tt.connects {
				t.Errorf("the host says %q, %v, want %q", got, err, want)
			}
			if !strings.Contains(stderr.String(), tt.stderr) || strings.Contains(stderr.String(), without) != tt.connects {
				t.Errorf("standard error is %q, want %q", stderr.String(), tt.stderr)
			}
		})
	}
}

// newTarget runs a server that says hello to everybody, and returns its port.
func newTarget(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, "hello")
			conn.Close()
		}
	}()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// newAnswering runs a server that answers everything with one status, and returns
// the flags for it.
func newAnswering(t *testing.T, status int) []string {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	t.Cleanup(server.Close)
	root := filepath.Join(t.TempDir(), "root.pem")
	write(t, root, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	return []string{"--ca-url", server.URL, "--root", root}
}
