//go:build unix

package e2e

import (
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"stepca/internal/catest"
	"stepca/internal/freeport"
	"stepca/internal/sockdir"
)

// A serviceManager hears what a service says of itself (sd_notify).
type serviceManager struct {
	t    *testing.T
	conn *net.UnixConn
	path string
}

func newServiceManager(t *testing.T) *serviceManager {
	t.Helper()
	dir, err := sockdir.Make("sd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	m := &serviceManager{t: t, path: filepath.Join(dir, "notify")}
	if m.conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.conn.Close() })
	return m
}

// hear returns the next message that is no sign of life.
func (m *serviceManager) hear() string {
	m.t.Helper()
	for {
		if text := m.next(); text != "WATCHDOG=1" {
			return text
		}
	}
}

func (m *serviceManager) next() string {
	m.t.Helper()
	if err := m.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		m.t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := m.conn.Read(buf)
	if err != nil {
		m.t.Fatal("the service says nothing: ", err)
	}
	return string(buf[:n])
}

// TestNotify: a service manager hears READY when clients can connect, RELOADING
// and READY around a reload, STOPPING before the end, and signs of life.
func TestNotify(t *testing.T) {
	t.Parallel()
	ca := catest.Prepare(t, catest.Options{})
	address := freeport.Address(t)
	edit(t, ca, func(cfg map[string]any) { cfg["address"] = address })
	ca.URL = "https://" + address
	m := newServiceManager(t)
	cmd := exec.Command(caProgram, ca.ConfigFile)
	cmd.Env = append(environment(t.TempDir()), "NOTIFY_SOCKET="+m.path, "WATCHDOG_USEC=100000")
	p := launchWith(t, cmd)
	if said := m.hear(); said != "READY=1" {
		t.Errorf("first message %q", said)
	}
	if status, _ := ca.Get(ca.HTTP(nil), "/health"); status != http.StatusOK { // at once, without trying again
		t.Errorf("GET /health right after READY: %d", status)
	}
	for m.next() != "WATCHDOG=1" {
	}
	for _, harm := range []func(map[string]any){
		func(cfg map[string]any) { cfg["dnsNames"] = []any{"127.0.0.1"} },
		func(cfg map[string]any) { cfg["address"] = "nonsense" }, // refused, and ready as before
	} {
		edit(t, ca, harm)
		p.signal(syscall.SIGHUP)
		if said := m.hear(); !strings.HasPrefix(said, "RELOADING=1\nMONOTONIC_USEC=") {
			t.Errorf("at a reload: %q", said)
		}
		if said := m.hear(); said != "READY=1" {
			t.Errorf("after a reload: %q", said)
		}
	}
	p.signal(syscall.SIGTERM)
	if said := m.hear(); said != "STOPPING=1" {
		t.Errorf("at the end: %q", said)
	}
	if code := p.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestSocketActivation: sockets that a service manager opened are served, by name
// or by address, and survive a restart of the service without a refused client.
func TestSocketActivation(t *testing.T) {
	t.Parallel()
	ca := catest.Prepare(t, catest.Options{Edit: onDisk("pebble")})
	https, plain := listenFile(t), listenFile(t)
	ca.URL = "https://" + https.address
	edit(t, ca, func(cfg map[string]any) {
		cfg["address"], cfg["insecureAddress"] = ":1", plain.address // the first is taken by name, the other by address
	})
	start := func() *process {
		// LISTEN_PID is the process's own, which only a shell that becomes it knows.
		cmd := exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec "$@"`, "sh", caProgram, ca.ConfigFile)
		cmd.Env = append(environment(t.TempDir()), "LISTEN_FDS=2", "LISTEN_FDNAMES=https:unknown")
		cmd.ExtraFiles = []*os.File{https.file, plain.file}
		return launchWith(t, cmd)
	}
	p := start() // clients wait in the socket until it serves
	ca.Issue("a.example.com")
	if status, _ := get(t, "http://"+plain.address+"/roots.pem"); status != http.StatusOK {
		t.Errorf("second socket: %d", status)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	// A token from before the start works, for its owner waits in the socket.
	_, csr := ca.CSR(x509.CertificateRequest{})
	waiting := map[string]any{"csr": csr, "ott": ca.Token("b.example.com", nil, map[string]any{"iat": time.Now().Unix() - 2})}
	p = start()
	for _, want := range []int{http.StatusCreated, http.StatusUnauthorized} { // once, as always
		if status, body := ca.Post(ca.HTTP(nil), "/1.0/sign", waiting); status != want {
			t.Errorf("token of a client that waited: %d %s, want %d", status, body, want)
		}
	}
	p.reload("msg=reloaded")
	ca.Issue("c.example.com")
}

type listeningFile struct {
	address string
	file    *os.File
}

func listenFile(t *testing.T) listeningFile {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return listeningFile{l.Addr().String(), f}
}
