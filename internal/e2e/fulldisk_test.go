//go:build linux

package e2e

import (
	"crypto/x509"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"stepca/internal/catest"
	"stepca/store"
)

// TestFullDisk fills the disk of the database. The server goes on running: it
// issues nothing, answers what needs no disk, and what it acknowledged is there
// when there is space again. Badger is left out: it ends the process (see kv/badger).
func TestFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting a small file system needs root")
	}
	t.Parallel()
	for _, engine := range embedded {
		if engine.name == "badger" {
			continue
		}
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			disk := t.TempDir()
			mount(t, disk, "-t", "tmpfs", "-o", "size=24M,mode=0700", "e2e")
			ca := catest.Prepare(t, catest.Options{Edit: func(cfg map[string]any) {
				cfg["db"] = map[string]any{"type": engine.name, "dataSource": filepath.Join(disk, "db")}
				cfg["authority"].(map[string]any)["disableIssuedAtCheck"] = true
			}})
			p := serve(t, ca)
			crt := ca.Issue("before.example.com")
			kept := map[string]bool{crt.Leaf.SerialNumber.String(): true} // serial numbers
			refused := fillUp(t, ca, disk, kept)

			if status, _ := ca.Get(ca.HTTP(nil), "/health"); status != http.StatusOK {
				t.Errorf("GET /health: %d", status)
			}
			if status, _ := ca.Get(ca.HTTP(nil), "/roots.pem"); status != http.StatusOK {
				t.Errorf("GET /roots.pem: %d", status)
			}
			if status, body := ca.Post(ca.HTTP(crt), "/renew", nil); status < http.StatusInternalServerError {
				t.Errorf("renewal on a full disk: %d %s", status, body)
			}
			serial := crt.Leaf.SerialNumber.String()
			if status, body := ca.Post(ca.HTTP(crt), "/revoke", map[string]any{"serial": serial, "passive": true}); status < http.StatusInternalServerError {
				t.Errorf("revocation on a full disk: %d %s", status, body)
			}
			if code := p.stop(); code != 0 {
				t.Logf("exit code %d", code) // the store may say that it lost its disk
			}

			mount(t, disk, "-o", "remount,size=256M", "e2e")
			if err := os.Remove(filepath.Join(disk, "ballast")); err != nil {
				t.Fatal(err)
			}
			p = serve(t, ca)
			if status, body := ca.Post(ca.HTTP(nil), "/1.0/sign", refused); status != http.StatusCreated {
				t.Errorf("the refused request, with space: %d %s", status, body)
			}
			p.stop()
			e, err := engine.open(filepath.Join(disk, "db"))
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			for c, err := range certificates(store.New(e, store.Options{})) {
				if err != nil {
					t.Fatal(err)
				}
				delete(kept, c.Serial)
			}
			for serial := range kept {
				t.Errorf("certificate %s was given to a client and is not in the store", serial)
			}
		})
	}
}

// fillUp has certificates issued until the disk is full, and returns the request
// that was refused for it.
func fillUp(t *testing.T, ca *catest.CA, disk string, kept map[string]bool) (refused map[string]any) {
	t.Helper()
	ballast, err := os.Create(filepath.Join(disk, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	defer ballast.Close()
	block := make([]byte, 64<<10)
	for err == nil {
		_, err = ballast.Write(block)
	}
	hc := ca.HTTP(nil)
	_, csr := ca.CSR(x509.CertificateRequest{})
	for n := 0; ; n++ {
		sign := map[string]any{"csr": csr, "ott": ca.Token("a.example.com", nil, nil)}
		status, body := ca.Post(hc, "/1.0/sign", sign)
		switch {
		case status == http.StatusCreated:
			crt, err := catest.ParseSigned(body)
			if err != nil {
				t.Fatal(err)
			}
			kept[crt.Leaf.SerialNumber.String()] = true
		case status == http.StatusInternalServerError || status == http.StatusServiceUnavailable:
			t.Logf("%d certificates on the full disk; then %d %s", n, status, body)
			return sign
		default:
			t.Fatalf("on a full disk: %d %s", status, body)
		}
		if n > 20000 {
			t.Fatal("the disk does not get full")
		}
	}
}

func mount(t *testing.T, dir string, args ...string) {
	t.Helper()
	if out, err := exec.Command("mount", append(args, dir)...).CombinedOutput(); err != nil {
		t.Skipf("no file system can be mounted here: %s", out)
	}
	if args[0] == "-t" {
		t.Cleanup(func() { exec.Command("umount", "-l", dir).Run() })
	}
}
