package apiserver_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"stepca/internal/catest"
)

// fetchKRL gets the list into a file, unless the header says that it is known.
func fetchKRL(t *testing.T, c *catest.CA, header http.Header) (file string, resp *http.Response) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, c.URL+"/ssh/krl", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	if resp, err = c.HTTP(nil).Do(req); err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "krl")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	return file, resp
}

// TestKRL has ssh-keygen read the list.
func TestKRL(t *testing.T) {
	t.Parallel()
	c := catest.New(t, catest.Options{SSH: true})
	_, user := signSSH(t, c, "joe", nil, nil)
	_, host := signSSH(t, c, "h1", map[string]any{"certType": "host"}, nil)
	_, good := signSSH(t, c, "ann", nil, nil)
	listed := func(krl string, s *signed) bool {
		out, err := sshKeygen(t, "-Q", "-f", krl, writeCertificate(t, s.crt))
		if revoked := strings.Contains(out, "REVOKED"); revoked == (err == nil) || !revoked && !strings.Contains(out, ": ok") {
			t.Fatalf("ssh-keygen -Q: %v: %s", err, out)
		}
		return err != nil
	}
	empty, first := fetchKRL(t, c, nil)
	if listed(empty, user) {
		t.Error("an empty list has the certificate of joe")
	}
	for _, s := range []*signed{user, host} {
		serial := strconv.FormatUint(s.crt.Serial, 10)
		status, body := c.Post(c.HTTP(nil), "/1.0/ssh/revoke", map[string]any{"serial": serial, "passive": true, "ott": c.SSHRevokeToken(serial)})
		if status != http.StatusOK || string(body) != `{"status":"ok"}`+"\n" {
			t.Fatalf("%d %s", status, body)
		}
	}
	krl, second := fetchKRL(t, c, http.Header{"If-None-Match": {first.Header.Get("ETag")}, "If-Modified-Since": {first.Header.Get("Last-Modified")}})
	if second.StatusCode != http.StatusOK || second.Header.Get("Last-Modified") == first.Header.Get("Last-Modified") {
		t.Errorf("a new list: %d, last modified %q, after %q", second.StatusCode, second.Header.Get("Last-Modified"), first.Header.Get("Last-Modified"))
	}
	for _, test := range []struct {
		name string
		crt  *signed
		want bool
	}{{"revoked user", user, true}, {"revoked host", host, true}, {"another user", good, false}} {
		if got := listed(krl, test.crt); got != test.want {
			t.Errorf("%s: listed %v, want %v", test.name, got, test.want)
		}
	}
	if out, err := sshKeygen(t, "-Q", "-l", "-f", krl); err != nil || !strings.Contains(out, "serial: "+strconv.FormatUint(user.crt.Serial, 10)) {
		t.Errorf("ssh-keygen -Q -l: %v: %s", err, out)
	}
	for name, header := range map[string]http.Header{
		"If-None-Match":     {"If-None-Match": {second.Header.Get("ETag")}},
		"If-Modified-Since": {"If-Modified-Since": {second.Header.Get("Last-Modified")}},
	} {
		if _, resp := fetchKRL(t, c, header); resp.StatusCode != http.StatusNotModified {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
	}
	if status, body := c.Post(c.HTTP(nil), "/ssh/check-host", map[string]any{"type": "host", "principal": "h1"}); status != http.StatusOK || string(body) != `{"exists":false}`+"\n" {
		t.Errorf("check-host of a revoked host: %d %s", status, body)
	}
	signSSH(t, c, "h1", map[string]any{"certType": "host"}, nil)
	if _, body := c.Post(c.HTTP(nil), "/ssh/check-host", map[string]any{"type": "host", "principal": "h1"}); string(body) != `{"exists":true}`+"\n" {
		t.Errorf("check-host of a host with a new certificate: %s", body)
	}
}
