package apiserver_test

import (
	"crypto"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

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
	krl, second := fetchKRL(t, c, http.Header{"If-None-Match": {first.Header.Get("ETag")}})
	if second.StatusCode != http.StatusOK || second.Header.Get("ETag") == first.Header.Get("ETag") {
		t.Errorf("a new list: %d, ETag %s, after %s", second.StatusCode, second.Header.Get("ETag"), first.Header.Get("ETag"))
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
	if again, resp := fetchKRL(t, c, http.Header{"If-None-Match": {second.Header.Get("ETag")}}); resp.StatusCode != http.StatusNotModified {
		t.Errorf("the same list: %d", resp.StatusCode)
	} else if text, err := os.ReadFile(again); err != nil || len(text) != 0 {
		t.Errorf("not modified, with a body of %d bytes, %v", len(text), err)
	}
	if status, body := c.Post(c.HTTP(nil), "/ssh/check-host", map[string]any{"type": "host", "principal": "h1"}); status != http.StatusOK || string(body) != `{"exists":false}`+"\n" {
		t.Errorf("check-host of a revoked host: %d %s", status, body)
	}
	signSSH(t, c, "h1", map[string]any{"certType": "host"}, nil)
	if _, body := c.Post(c.HTTP(nil), "/ssh/check-host", map[string]any{"type": "host", "principal": "h1"}); string(body) != `{"exists":true}`+"\n" {
		t.Errorf("check-host of a host with a new certificate: %s", body)
	}
}

// TestKRLOfSeveralKeys revokes certificates of a CA that changed its keys, and
// leaves those of a federated one alone, which may have the same serial numbers.
func TestKRLOfSeveralKeys(t *testing.T) {
	t.Parallel()
	oldKey, oldPub := sshKeys(t)
	otherKey, otherPub := sshKeys(t)
	c := catest.New(t, catest.Options{SSH: true, Edit: func(cfg map[string]any) {
		section := cfg["ssh"].(map[string]any)
		section["userKey"] = section["hostKey"] // one key for both
		section["keys"] = []any{
			map[string]any{"type": "host", "federated": false, "key": publicJWK(oldPub)},
			map[string]any{"type": "host", "federated": true, "key": publicJWK(otherPub)},
		}
	}})
	hostKey, host := signSSH(t, c, "h1", map[string]any{"certType": "host"}, nil)
	_, user := signSSH(t, c, "joe", nil, nil)
	numbered := func(serial uint64, key crypto.Signer) *ssh.Certificate {
		crt := *host.crt
		crt.Serial = serial
		return selfMade(t, &crt, key)
	}
	unknown := numbered(42, oldKey)
	revoke := func(serial string, token string) (int, []byte) {
		return c.Post(c.HTTP(nil), "/ssh/revoke", map[string]any{"serial": serial, "passive": true, "ott": token})
	}
	for _, s := range []*signed{host, user} {
		if status, body := revoke(serialOf(s.crt), c.SSHRevokeToken(serialOf(s.crt))); status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
	}
	if status, body := revoke("42", c.SSHPOPToken("revoke", unknown, hostKey, "42")); status != http.StatusOK {
		t.Fatalf("by its own key: %d %s", status, body)
	}
	without := numbered(0, oldKey)
	for name, token := range map[string]string{"by its own key": c.SSHPOPToken("revoke", without, hostKey, "0"), "by a token": c.SSHRevokeToken("0")} {
		status, body := revoke("0", token)
		wantRefusal(t, "no serial number, "+name, status, body, http.StatusBadRequest, sshMalformed+"a certificate without a serial number cannot be revoked by it")
	}
	krl, _ := fetchKRL(t, c, nil)
	for _, test := range []struct {
		name string
		crt  *ssh.Certificate
		want bool
	}{
		{"host", host.crt, true},
		{"user", user.crt, true},
		{"of the old key", unknown, true},
		{"of the old key with the number of a new one", numbered(host.crt.Serial, oldKey), true},
		{"of the old key, another", numbered(43, oldKey), false},
		{"of another CA with the same number", numbered(host.crt.Serial, otherKey), false},
		{"without a serial number", without, false},
	} {
		if out, err := sshKeygen(t, "-Q", "-f", krl, writeCertificate(t, test.crt)); strings.Contains(out, "REVOKED") != test.want || (err != nil) != test.want {
			t.Errorf("%s: %v: %s", test.name, err, out)
		}
	}
	out, err := sshKeygen(t, "-Q", "-l", "-f", krl)
	if n := strings.Count(out, "CA key"); err != nil || n != 2 {
		t.Errorf("%d CA keys in the list, want one for both kinds and the old one: %v: %s", n, err, out)
	}
}
