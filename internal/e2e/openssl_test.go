//go:build unix

package e2e

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"stepca/internal/catest"
)

// TestOpenSSLVerifies: OpenSSL accepts what the CA issues, in its strict mode, and
// knows from the CA's list what was revoked.
func TestOpenSSLVerifies(t *testing.T) {
	t.Parallel()
	openssl := peer(t, "openssl", "openssl")
	ca := catest.Prepare(t, catest.Options{Edit: func(cfg map[string]any) {
		cfg["crl"] = map[string]any{"enabled": true, "generateOnRevoke": true}
	}})
	serve(t, ca)
	good, bad := ca.Issue("good.example.com", "10.1.2.3", "joe@example.com", "https://example.com/x"), ca.Issue("bad.example.com")
	goodFiles, badFiles := writePair(t, ca.Dir, "good", good), writePair(t, ca.Dir, "bad", bad)
	for _, purpose := range []string{"sslserver", "sslclient"} {
		must(t, openssl, "verify", "-x509_strict", "-purpose", purpose, "-verify_hostname", "good.example.com", "-verify_ip", "10.1.2.3",
			"-CAfile", ca.RootFile, "-untrusted", goodFiles.issuers, goodFiles.leaf)
	}

	serial := bad.Leaf.SerialNumber.String()
	revoke := map[string]any{"serial": serial, "ott": ca.RevokeToken(serial), "reasonCode": 1, "passive": true}
	if status, body := ca.Post(ca.HTTP(nil), "/revoke", revoke); status != http.StatusOK {
		t.Fatalf("revoke: %d %s", status, body)
	}
	_, der := ca.Get(ca.HTTP(nil), "/crl")
	_, pem := ca.Get(ca.HTTP(nil), "/crl?pem")
	crlDER, crlPEM := writeFile(t, ca.Dir, "crl.der", der), writeFile(t, ca.Dir, "crl.pem", pem)
	for _, args := range [][]string{{"-inform", "DER", "-in", crlDER}, {"-in", crlPEM}} {
		stdout, stderr, code := run(t, exec.Command(openssl, append([]string{"crl", "-noout", "-text", "-CAfile", badFiles.issuers}, args...)...))
		if code != 0 || !strings.Contains(stderr, "verify OK") || !strings.Contains(stdout, "Key Compromise") {
			t.Errorf("openssl crl: exit code %d\n%s%s", code, stdout, stderr)
		}
	}
	check := func(files keyPair) (string, int) {
		stdout, stderr, code := run(t, exec.Command(openssl, "verify", "-crl_check", "-CAfile", ca.RootFile, "-untrusted", files.issuers, "-CRLfile", crlPEM, files.leaf))
		return stdout + stderr, code
	}
	if said, code := check(goodFiles); code != 0 {
		t.Errorf("a good certificate with the list: exit code %d\n%s", code, said)
	}
	if said, code := check(badFiles); code == 0 || !strings.Contains(said, "certificate revoked") {
		t.Errorf("a revoked certificate with the list: exit code %d\n%s", code, said)
	}
}

// TestOpenSSLClient speaks TLS to the CA as s_client does, with and without a
// client certificate, in each version that the CA has and in one that it has not.
func TestOpenSSLClient(t *testing.T) {
	t.Parallel()
	openssl := peer(t, "openssl", "openssl")
	ca := catest.Prepare(t, catest.Options{})
	serve(t, ca)
	pair := writePair(t, ca.Dir, "client", ca.Issue("client.example.com"))
	address := strings.TrimPrefix(ca.URL, "https://")
	talk := func(request string, args ...string) (string, int) {
		t.Helper()
		cmd := exec.Command(openssl, append([]string{"s_client", "-connect", address, "-CAfile", ca.RootFile, "-verify_return_error", "-verify_ip", "127.0.0.1", "-ign_eof"}, args...)...)
		cmd.Stdin = strings.NewReader(request)
		stdout, stderr, code := run(t, cmd)
		return stdout + stderr, code
	}
	const health = "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
	const renew = "POST /renew HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		if said, code := talk(health, version); code != 0 || !strings.Contains(said, `{"status":"ok"}`) || !strings.Contains(said, "Verify return code: 0 (ok)") {
			t.Errorf("%s: exit code %d\n%s", version, code, said)
		}
		if said, code := talk(renew, version, "-cert", pair.chain, "-key", pair.key); code != 0 || !strings.Contains(said, "HTTP/1.1 201 Created") {
			t.Errorf("%s with a client certificate: exit code %d\n%s", version, code, said)
		}
	}
	if said, code := talk(health, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"); code == 0 {
		t.Errorf("TLS 1.1 is spoken:\n%s", said)
	}
	if said, _ := talk(health, "-alpn", "h2,http/1.1"); !strings.Contains(said, "ALPN protocol: h2") {
		t.Errorf("no HTTP/2:\n%s", said)
	}
}

// TestOpenSSLStrangers: a client certificate that is not of this CA ends the
// handshake.
func TestOpenSSLStrangers(t *testing.T) {
	t.Parallel()
	openssl := peer(t, "openssl", "openssl")
	ca, other := catest.Prepare(t, catest.Options{}), catest.Prepare(t, catest.Options{})
	serve(t, ca)
	serve(t, other)
	stranger := writePair(t, ca.Dir, "stranger", other.Issue("client.example.com"))
	cmd := exec.Command(openssl, "s_client", "-connect", strings.TrimPrefix(ca.URL, "https://"), "-ign_eof", "-cert", stranger.chain, "-key", stranger.key)
	cmd.Stdin = strings.NewReader("POST /renew HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	stdout, stderr, _ := run(t, cmd)
	if strings.Contains(stdout, "HTTP/1.1") || !strings.Contains(stdout+stderr, "alert") {
		t.Errorf("a stranger's certificate was not refused in the handshake:\n%s%s", stdout, stderr)
	}
}
