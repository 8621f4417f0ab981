//go:build unix

package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepca/internal/catest"
	"stepca/internal/freeport"
)

// TestNginx: nginx serves a certificate of the CA, and lets in only clients who
// have one of it that is not on its list.
func TestNginx(t *testing.T) {
	t.Parallel()
	nginx := peer(t, "nginx", "nginx")
	ca := catest.Prepare(t, catest.Options{Edit: func(cfg map[string]any) {
		cfg["crl"] = map[string]any{"enabled": true, "generateOnRevoke": true}
	}})
	serve(t, ca)
	server := writePair(t, ca.Dir, "server", ca.Issue("localhost", "127.0.0.1"))
	client, revoked := ca.Issue("client.example.com"), ca.Issue("revoked.example.com")
	serial := revoked.Leaf.SerialNumber.String()
	if status, body := ca.Post(ca.HTTP(nil), "/revoke", map[string]any{"serial": serial, "ott": ca.RevokeToken(serial), "passive": true}); status != http.StatusOK {
		t.Fatalf("revoke: %d %s", status, body)
	}
	_, crl := ca.Get(ca.HTTP(nil), "/crl?pem")
	lists := writeFile(t, ca.Dir, "lists.pem", append(crl, rootCRL(t, ca)...)) // nginx wants one of each issuer in the chain
	address := freeport.Address(t)
	config := fmt.Sprintf(`
daemon off; master_process off; pid %[1]s/nginx.pid; error_log %[1]s/error.log;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi; uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
	server {
		listen %[2]s ssl;
		ssl_certificate %[3]s; ssl_certificate_key %[4]s;
		ssl_client_certificate %[5]s; ssl_verify_client on; ssl_verify_depth 2; ssl_crl %[6]s;
		return 200 "$ssl_client_verify $ssl_client_s_dn";
	}
}`, ca.Dir, address, server.chain, server.key, ca.RootFile, lists)
	cmd := exec.Command(nginx, "-c", writeFile(t, ca.Dir, "nginx.conf", []byte(config)), "-p", ca.Dir, "-e", filepath.Join(ca.Dir, "error.log"))
	p := launchWith(t, cmd)
	waitOpen(t, p, address)

	if status, body := fetch(t, ca.HTTP(client), "https://"+address); status != http.StatusOK || body != "SUCCESS CN=client.example.com" {
		t.Errorf("with a client certificate: %d %s", status, body)
	}
	if status, body := fetch(t, ca.HTTP(nil), "https://"+address); status != http.StatusBadRequest || !strings.Contains(body, "No required SSL certificate") {
		t.Errorf("without a client certificate: %d %s", status, body)
	}
	if status, body := fetch(t, ca.HTTP(revoked), "https://"+address); status != http.StatusBadRequest || !strings.Contains(body, "SSL certificate error") {
		t.Errorf("with a revoked client certificate: %d %s", status, body)
	}
}

func fetch(t *testing.T, hc *http.Client, url string) (int, string) {
	t.Helper()
	resp, err := hc.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// waitOpen waits until a server listens.
func waitOpen(t *testing.T, p *process, address string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-p.exited:
			t.Fatalf("%s ended: %s", p.cmd.Path, p.out.String())
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not listen on %s", p.cmd.Path, address)
		}
	}
}
