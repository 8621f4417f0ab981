//go:build unix

package e2e

import (
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"stepca/internal/catest"
	"stepca/internal/freeport"
)

// TestFaultyReload: SIGHUP with a configuration that cannot be used says why and
// leaves the old one in use.
func TestFaultyReload(t *testing.T) {
	t.Parallel()
	ca := catest.Prepare(t, catest.Options{})
	p := serve(t, ca)
	good := ca.ReadConfig()
	tests := []struct {
		name string
		harm func()
		want string
	}{
		{"not JSON", func() { replace(t, ca, "ca.json", []byte("{")) }, "error reloading ca configuration"},
		{"file gone", func() { remove(t, ca, "ca.json") }, "no such file"},
		{"no provisioner key", func() {
			edit(t, ca, func(cfg map[string]any) {
				cfg["authority"].(map[string]any)["provisioners"] = []any{map[string]any{"type": "JWK", "name": "x"}}
			})
		}, "authority.provisioners[0].key: provisioner key cannot be empty"},
		{"another database", func() {
			edit(t, ca, func(cfg map[string]any) {
				cfg["db"] = map[string]any{"type": "pebble", "dataSource": filepath.Join(ca.Dir, "db")}
			})
		}, "Reload failed because the database configuration has changed"},
		{"key of another certificate", func() {
			edit(t, ca, func(cfg map[string]any) { cfg["key"] = filepath.Join(ca.Dir, "root_ca_key") })
		}, "do not belong together"},
		{"address of somebody else", func() {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			edit(t, ca, func(cfg map[string]any) { cfg["metricsAddress"] = l.Addr().String() })
		}, "address already in use"},
	}
	for _, tt := range tests {
		ca.WriteConfig(good)
		tt.harm()
		p.reload("Reload failed")
		if said := p.out.String(); !strings.Contains(said, tt.want) || !strings.Contains(said, "Continuing to run with the original configuration") {
			t.Errorf("%s: %q is not in the log", tt.name, tt.want)
		}
		if crt := ca.Issue("a.example.com"); crt.Leaf.Subject.CommonName != "a.example.com" {
			t.Errorf("%s: the old configuration issues %v", tt.name, crt.Leaf.Subject)
		}
	}
	ca.WriteConfig(good)
	p.reload("msg=reloaded")
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestEarlyAndLateHangup: a SIGHUP while the server starts is a reload as soon as
// it serves; one while it stops changes nothing.
func TestEarlyAndLateHangup(t *testing.T) {
	t.Parallel()
	ca := catest.Prepare(t, catest.Options{Edit: onDisk("badger")})
	address := freeport.Address(t)
	edit(t, ca, func(cfg map[string]any) { cfg["address"] = address })
	pidFile := filepath.Join(ca.Dir, "pid")
	p := launch(t, ca.ConfigFile, "--pidfile", pidFile)
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(pidFile); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no pid file")
		}
	}
	p.signal(syscall.SIGHUP)
	p.expect("msg=reloaded")
	p.signal(syscall.SIGTERM)
	p.cmd.Process.Signal(syscall.SIGHUP) // it may have ended by now
	if code := p.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestReloadListeners adds and removes the plain HTTP listeners of a running CA.
func TestReloadListeners(t *testing.T) {
	t.Parallel()
	ca := catest.Prepare(t, catest.Options{})
	p := serve(t, ca)
	insecure, metrics := freeport.Address(t), freeport.Address(t)
	edit(t, ca, func(cfg map[string]any) { cfg["insecureAddress"], cfg["metricsAddress"] = insecure, metrics })
	p.reload("msg=reloaded")
	for _, url := range []string{"http://" + insecure + "/roots.pem", "http://" + metrics + "/metrics"} {
		if status, body := get(t, url); status != http.StatusOK {
			t.Errorf("%s after it was added: %d %s", url, status, body)
		}
	}
	moved := freeport.Address(t)
	edit(t, ca, func(cfg map[string]any) {
		delete(cfg, "metricsAddress")
		insecure = freeport.Address(t)
		cfg["insecureAddress"], cfg["address"] = insecure, moved
	})
	p.reload("msg=reloaded")
	old := ca.URL
	ca.URL = "https://" + moved
	ca.Issue("a.example.com")
	if status, _ := get(t, "http://"+insecure+"/roots.pem"); status != http.StatusOK {
		t.Errorf("moved listener: %d", status)
	}
	for _, gone := range []string{metrics, strings.TrimPrefix(old, "https://")} {
		waitRefused(t, gone)
	}
	edit(t, ca, func(cfg map[string]any) { delete(cfg, "insecureAddress") })
	p.reload("msg=reloaded")
	waitRefused(t, insecure)
	ca.Issue("b.example.com")
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// waitRefused waits until nobody listens on an address.
func waitRefused(t *testing.T, address string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		conn, err := net.Dial("tcp", address)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err == nil {
			conn.Close()
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is still open", address)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestReloadUnderLoad: no request fails and no connection drops while the server
// reloads again and again.
func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	ca := catest.Prepare(t, catest.Options{Edit: func(cfg map[string]any) {
		// A token made just before a reload would be older than the configuration.
		cfg["authority"].(map[string]any)["disableIssuedAtCheck"] = true
	}})
	p := serve(t, ca)
	c := &crash{t: t, ca: ca}
	var stop atomic.Bool
	var clients sync.WaitGroup
	var dials, issued atomic.Int64
	const workers = 6
	for range workers {
		clients.Go(func() {
			hc := ca.HTTP(nil)
			tr := hc.Transport.(*http.Transport)
			tr.ForceAttemptHTTP2 = false // one connection, kept alive, under our eyes
			tr.DialContext = countingDialer(&dials)
			_, csr := ca.CSR(x509.CertificateRequest{})
			for !stop.Load() {
				status, body, err := c.post(hc, "/1.0/sign", map[string]any{"csr": csr, "ott": ca.Token("a.example.com", nil, nil)})
				if err != nil || status != http.StatusCreated {
					t.Errorf("during a reload: %d %s %v", status, body, err)
					return
				}
				issued.Add(1)
			}
		})
	}
	for range 10 {
		time.Sleep(20 * time.Millisecond)
		p.reload("msg=reloaded")
	}
	stop.Store(true)
	clients.Wait()
	if n := dials.Load(); n != workers {
		t.Errorf("%d clients needed %d connections", workers, n)
	}
	if issued.Load() == 0 {
		t.Error("nothing was issued")
	}
}
