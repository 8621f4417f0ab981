package apiserver_test

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/internal/catest"
	"stepca/jose"
)

func serialOf(crt *ssh.Certificate) string { return strconv.FormatUint(crt.Serial, 10) }

func TestSSHRenewAndRekey(t *testing.T) {
	t.Parallel()
	c := catest.New(t, catest.Options{SSH: true})
	hc := c.HTTP(nil)
	key, host := signSSH(t, c, "h1", map[string]any{"certType": "host", "validBefore": "10h"}, nil)
	userKey, user := signSSH(t, c, "joe", nil, nil)
	newKey, newPub := sshKeys(t)

	status, body := c.Post(hc, "/ssh/renew", map[string]any{"ott": c.SSHPOPToken("renew", host.crt, key, serialOf(host.crt))})
	if status != http.StatusCreated {
		t.Fatalf("renew: %d %s", status, body)
	}
	checkSameHost(t, parseSigned(t, body).crt, host.crt, host.crt.Key)
	status, body = c.Post(hc, "/1.0/ssh/rekey", map[string]any{"ott": c.SSHPOPToken("rekey", host.crt, key, serialOf(host.crt)), "publicKey": newPub.Marshal()})
	if status != http.StatusCreated {
		t.Fatalf("rekey: %d %s", status, body)
	}
	rekeyed := parseSigned(t, body).crt
	checkSameHost(t, rekeyed, host.crt, newPub)

	spent := c.SSHPOPToken("renew", host.crt, key, "x")
	if status, body := c.Post(hc, "/ssh/renew", map[string]any{"ott": spent}); status != http.StatusCreated {
		t.Fatalf("renew: %d %s", status, body)
	}
	const unauthorized = "The request lacked necessary authorization to be completed. Please see the certificate authority logs for more info."
	const malformed = "The request could not be completed: "
	tests := []struct {
		name    string
		path    string
		body    map[string]any
		status  int
		message string
	}{
		{"renew without token", "/ssh/renew", map[string]any{}, 400, malformed + "missing or empty ott."},
		{"rekey without token", "/ssh/rekey", map[string]any{"publicKey": newPub.Marshal()}, 400, malformed + "missing or empty ott."},
		{"rekey without key", "/ssh/rekey", map[string]any{"ott": "x"}, 400, malformed + "missing or empty public key."},
		{"rekey with a bad key", "/ssh/rekey", map[string]any{"ott": "x", "publicKey": []byte("nope")}, 400, malformed + "error parsing publicKey."},
		{"the same token again", "/ssh/renew", map[string]any{"ott": spent}, 401, unauthorized},
		{"user certificate", "/ssh/renew", map[string]any{"ott": c.SSHPOPToken("renew", user.crt, userKey, "x")}, 400, malformed + "sshpop certificate must be a host ssh certificate."},
		{"another key than the certificate's", "/ssh/renew", map[string]any{"ott": c.SSHPOPToken("renew", host.crt, newKey, "x")}, 401, unauthorized},
		{"token for another route", "/ssh/rekey", map[string]any{"ott": c.SSHPOPToken("renew", host.crt, key, "x"), "publicKey": newPub.Marshal()}, 401, unauthorized},
		{"token of another type", "/ssh/renew", map[string]any{"ott": c.SSHToken("h1", nil, nil)}, 401, unauthorized},
		{"certificate of another CA", "/ssh/renew", map[string]any{"ott": c.SSHPOPToken("renew", selfMade(t, host.crt, newKey), key, "x")}, 401, unauthorized},
	}
	for _, test := range tests {
		status, body := c.Post(hc, test.path, test.body)
		if want := refusal(test.status, test.message) + "\n"; status != test.status || string(body) != want {
			t.Errorf("%s: %d %s, want %s", test.name, status, body, want)
		}
	}

	revoke := map[string]any{"serial": serialOf(rekeyed), "passive": true, "reasonCode": 1, "ott": c.SSHPOPToken("revoke", rekeyed, newKey, serialOf(rekeyed))}
	if status, body := c.Post(hc, "/ssh/revoke", revoke); status != http.StatusOK {
		t.Fatalf("revoke: %d %s", status, body)
	}
	for _, op := range []string{"renew", "rekey"} {
		status, body := c.Post(hc, "/ssh/"+op, map[string]any{"ott": c.SSHPOPToken(op, rekeyed, newKey, "x"), "publicKey": newPub.Marshal()})
		if status != http.StatusUnauthorized {
			t.Errorf("%s of a revoked certificate: %d %s", op, status, body)
		}
	}
}

// selfMade is a certificate like another one, signed by any key.
func selfMade(t *testing.T, crt *ssh.Certificate, key crypto.Signer) *ssh.Certificate {
	t.Helper()
	signer, err := ssh.NewSignerFromSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	forged := *crt
	if err := forged.SignCert(nonceSource{}, signer); err != nil {
		t.Fatal(err)
	}
	return &forged
}

// nonceSource is any source of random bytes: the forged certificate is refused
// for its key.
type nonceSource struct{}

func (nonceSource) Read(p []byte) (int, error) { return len(p), nil }

func checkSameHost(t *testing.T, got, old *ssh.Certificate, key ssh.PublicKey) {
	t.Helper()
	if got.CertType != ssh.HostCert || got.KeyId != old.KeyId || got.ValidPrincipals[0] != old.ValidPrincipals[0] || !bytes.Equal(got.Key.Marshal(), key.Marshal()) {
		t.Errorf("%+v", got)
	}
	if got.ValidBefore-got.ValidAfter != old.ValidBefore-old.ValidAfter || got.Serial == old.Serial || bytes.Equal(got.Nonce, old.Nonce) {
		t.Errorf("valid from %d to %d with serial number %d", got.ValidAfter, got.ValidBefore, got.Serial)
	}
}

// TestSSHRenewWithIdentity renews over connections with client certificates.
func TestSSHRenewWithIdentity(t *testing.T) {
	t.Parallel()
	c := catest.New(t, catest.Options{SSH: true})
	tmpl := x509.CertificateRequest{}
	tmpl.Subject.CommonName = "h1"
	idKey, csr := c.CSR(tmpl)
	key, host := signSSH(t, c, "h1", map[string]any{"certType": "host"}, map[string]any{"identityCSR": csr})
	own := &tls.Certificate{PrivateKey: idKey, Leaf: host.identity[0]}
	for _, crt := range host.identity {
		own.Certificate = append(own.Certificate, crt.Raw)
	}
	renew := func(crt *tls.Certificate) *signed {
		status, body := c.Post(c.HTTP(crt), "/ssh/renew", map[string]any{"ott": c.SSHPOPToken("renew", host.crt, key, "x")})
		if status != http.StatusCreated {
			t.Fatalf("%d %s", status, body)
		}
		return parseSigned(t, body)
	}
	got := renew(own)
	if len(got.identity) != 2 {
		t.Fatal("the identity was not renewed")
	}
	if d := got.identity[0].NotAfter.Sub(got.identity[0].NotBefore); d > 24*time.Hour+time.Minute {
		t.Errorf("the identity of a host certificate of 30 days is valid for %v", d)
	}
	if got := renew(c.Issue("someone.else")); len(got.identity) != 0 {
		t.Error("another client's certificate was renewed")
	}
}

func TestSSHRevoke(t *testing.T) {
	t.Parallel()
	c := catest.New(t, catest.Options{SSH: true})
	hc := c.HTTP(nil)
	key, s := signSSH(t, c, "joe", nil, nil)
	serial := serialOf(s.crt)
	const malformed = "The request could not be completed: "
	const forbidden = "The request was forbidden by the certificate authority: "
	other := c.SSHPOPToken("revoke", s.crt, key, "1")
	tests := []struct {
		name   string
		body   map[string]any
		status int
		want   string
	}{
		{"no serial", map[string]any{"passive": true, "ott": "x"}, 400, malformed + "missing serial."},
		{"reason", map[string]any{"serial": serial, "reasonCode": 11, "passive": true, "ott": "x"}, 400, malformed + "reasonCode out of bounds."},
		{"active", map[string]any{"serial": serial, "ott": "x"}, 501, "The requested method is not implemented by the certificate authority. Please see the certificate authority logs for more info."},
		{"no token", map[string]any{"serial": serial, "passive": true}, 400, malformed + "missing ott."},
		{"certificate of another serial", map[string]any{"serial": "1", "passive": true, "ott": other}, 403,
			forbidden + `token subject \"1\" and sshpop certificate serial number \"` + serial + `\" do not match.`},
		{"token for another serial", map[string]any{"serial": "2", "passive": true, "ott": c.SSHRevokeToken("3")}, 403,
			forbidden + `request serial number \"2\" and token subject \"3\" do not match.`},
		{"not plain decimal", map[string]any{"serial": "0x10", "passive": true, "ott": c.SSHRevokeToken("0x10")}, 400,
			malformed + "'0x10' is not a valid serial number of an SSH certificate - use a base 10 representation."},
		{"done", map[string]any{"serial": serial, "passive": true, "ott": c.SSHRevokeToken(serial)}, 200, ""},
		{"done before", map[string]any{"serial": serial, "passive": true, "ott": c.SSHRevokeToken(serial)}, 400, malformed + "certificate with serial number '" + serial + "' is already revoked."},
	}
	for _, test := range tests {
		status, body := c.Post(hc, "/ssh/revoke", test.body)
		want := refusal(test.status, test.want)
		if test.status == http.StatusOK {
			want = `{"status":"ok"}`
		}
		if status != test.status || string(body) != want+"\n" {
			t.Errorf("%s: %d %s, want %s", test.name, status, body, want)
		}
	}
}

func TestSSHSignRefusals(t *testing.T) {
	t.Parallel()
	c := catest.New(t, catest.Options{SSH: true, Edit: func(cfg map[string]any) {
		cfg["authority"].(map[string]any)["policy"] = map[string]any{"ssh": map[string]any{
			"user": map[string]any{"allow": map[string]any{"principal": []string{"joe", "ann"}, "email": []string{"@example.com"}}},
		}}
	}})
	hc := c.HTTP(nil)
	_, pub := sshKeys(t)
	good := func(more map[string]any) map[string]any {
		body := map[string]any{"publicKey": pub.Marshal(), "ott": "x"}
		for k, v := range more {
			body[k] = v
		}
		return body
	}
	token := func(subject string, options map[string]any) map[string]any {
		return map[string]any{"ott": c.SSHToken(subject, options, nil)}
	}
	with := func(a map[string]any, key string, value any) map[string]any {
		a[key] = value
		return a
	}
	const malformed = "The request could not be completed: "
	const forbidden = "The request was forbidden by the certificate authority: "
	const unauthorized = "The request lacked necessary authorization to be completed. Please see the certificate authority logs for more info."
	_, csr := c.CSR(x509.CertificateRequest{})
	tests := []struct {
		name   string
		body   map[string]any
		status int
		want   string
	}{
		{"type", good(map[string]any{"certType": "foo"}), 400, malformed + "invalid certType 'foo'."},
		{"no key", good(map[string]any{"publicKey": nil}), 400, malformed + "missing or empty publicKey."},
		{"no token", good(map[string]any{"ott": ""}), 400, malformed + "missing or empty ott."},
		{"bad key", good(map[string]any{"publicKey": []byte("junk")}), 400, malformed + "error parsing publicKey."},
		{"key with something behind", good(map[string]any{"publicKey": append(pub.Marshal(), 0)}), 400, malformed + "error parsing publicKey."},
		{"bad add-user key", good(map[string]any{"addUserPublicKey": []byte("junk")}), 400, malformed + "error parsing addUserPublicKey."},
		{"empty principal", good(map[string]any{"principals": []string{""}}), 400, malformed + "principals cannot contain empty values."},
		{"bad time", good(map[string]any{"validAfter": "soon"}), 400, malformed + "error decoding json."},
		{"bad signature of the identity", good(map[string]any{"identityCSR": tampered(csr)}), 400, malformed + "invalid identityCSR."},
		{"no token at all", good(nil), 401, unauthorized},
		{"X.509 token", good(map[string]any{"ott": c.Token("joe", nil, nil)}), 401, unauthorized},
		{"other type", good(with(token("joe", map[string]any{"certType": "user"}), "certType", "host")), 403, forbidden + "ssh certificate type does not match - got host, want user."},
		{"other principals", good(with(token("joe", map[string]any{"principals": []string{"joe"}}), "principals", []string{"root"})), 403, forbidden + "ssh certificate principals does not match - got [root], want [joe]."},
		{"too long", good(token("joe", map[string]any{"validBefore": "25h"})), 403, forbidden + "requested duration of 25h1m0s is greater than maximum accepted duration for selected provisioner of 24h1m0s."},
		{"too short", good(token("joe", map[string]any{"validBefore": "1m"})), 403, forbidden + "requested duration of 2m0s is less than minimum accepted duration for selected provisioner of 5m0s."},
		{"in the past", good(token("joe", map[string]any{"validAfter": "-2h", "validBefore": "-1h"})), 400, malformed + "ssh certificate validBefore cannot be in the past."},
		{"upside down", good(token("joe", map[string]any{"validAfter": "2h", "validBefore": "1h"})), 400, malformed + "ssh certificate validAfter cannot be greater than validBefore."},
		{"policy", good(token("root", nil)), 403, forbidden + `principal name \"root\" not allowed`},
		{"policy on mail", good(token("v@y.com", nil)), 403, forbidden + `email name \"v@y.com\" not allowed`},
		{"policy for users alone", good(token("h1", map[string]any{"certType": "host"})), 403, forbidden + "authority not allowed to sign SSH host certificates when SSH user certificate policy is active."},
	}
	for _, test := range tests {
		status, body := c.Post(hc, "/1.0/ssh/sign", test.body)
		if want := refusal(test.status, test.want) + "\n"; status != test.status || string(body) != want {
			t.Errorf("%s: %d %s, want %s", test.name, status, body, want)
		}
	}
	if status, body := c.Post(hc, "/sign-ssh", good(token("joe", map[string]any{"principals": []string{"joe", "ann@example.com"}}))); status != http.StatusCreated {
		t.Errorf("the old name of the route: %d %s", status, body)
	}
}

// tampered breaks the signature of a PEM request.
func tampered(csr string) string {
	at := len(csr) - len("-----END CERTIFICATE REQUEST-----\n") - 12
	b := []byte(csr)
	if b[at] == 'A' {
		b[at] = 'B'
	} else {
		b[at] = 'A'
	}
	return string(b)
}

// TestWithoutSSH asks a CA without SSH keys, and one with a user key alone.
func TestWithoutSSH(t *testing.T) {
	t.Parallel()
	const notImplemented = "The requested method is not implemented by the certificate authority. Please see the certificate authority logs for more info."
	const notFound = "The requested resource could not be found. Please see the certificate authority logs for more info."
	const internal = "The certificate authority encountered an Internal Server Error. Please see the certificate authority logs for more info."
	none := catest.New(t, catest.Options{Edit: func(cfg map[string]any) {
		cfg["authority"].(map[string]any)["disableGetSSHHosts"] = true
	}})
	userOnly := catest.New(t, catest.Options{SSH: true, Edit: func(cfg map[string]any) {
		delete(cfg["ssh"].(map[string]any), "hostKey")
		delete(cfg, "db")
	}})
	_, pub := sshKeys(t)
	sign := map[string]any{"publicKey": pub.Marshal(), "ott": "x"}
	tests := []struct {
		ca     *catest.CA
		path   string
		body   map[string]any // nil: GET
		status int
		want   string
	}{
		{none, "/ssh/sign", sign, 501, notImplemented},
		{none, "/ssh/renew", sign, 501, notImplemented},
		{none, "/ssh/rekey", sign, 501, notImplemented},
		{none, "/ssh/roots", nil, 404, notFound},
		{none, "/ssh/federation", nil, 404, notFound},
		{none, "/ssh/krl", nil, 404, notFound},
		{none, "/ssh/config", map[string]any{}, 404, notFound},
		{none, "/ssh/bastion", map[string]any{"hostname": "h"}, 404, notFound},
		{none, "/ssh/hosts", nil, 404, "ssh hosts list api disabled"},
		{userOnly, "/ssh/sign", map[string]any{"publicKey": pub.Marshal(), "ott": userOnly.SSHToken("h", map[string]any{"certType": "host"}, nil)}, 501, notImplemented},
		{userOnly, "/ssh/check-host", map[string]any{"type": "host", "principal": "h"}, 501, notImplemented},
		{userOnly, "/ssh/revoke", map[string]any{"serial": "1", "passive": true, "ott": "x"}, 501, notImplemented},
		{userOnly, "/ssh/hosts", nil, 500, internal},
		{userOnly, "/ssh/krl", nil, 404, notFound},
	}
	for _, test := range tests {
		var status int
		var body []byte
		if test.body == nil {
			status, body = test.ca.Get(test.ca.HTTP(nil), test.path)
		} else {
			status, body = test.ca.Post(test.ca.HTTP(nil), test.path, test.body)
		}
		if want := refusal(test.status, test.want) + "\n"; status != test.status || string(body) != want {
			t.Errorf("%s: %d %s, want %s", test.path, status, body, want)
		}
	}
	if status, body := none.Post(none.HTTP(nil), "/ssh/check-host", map[string]any{"type": "host", "principal": "h"}); status != http.StatusOK || string(body) != `{"exists":false}`+"\n" {
		t.Errorf("check-host: %d %s", status, body)
	}
	status, body := userOnly.Get(userOnly.HTTP(nil), "/ssh/roots")
	var roots map[string][][]byte
	if err := json.Unmarshal(body, &roots); err != nil || status != http.StatusOK || len(roots["userKey"]) != 1 || len(roots) != 1 {
		t.Errorf("roots without a host key: %d %s", status, body)
	}
	signSSH(t, userOnly, "joe", nil, nil)
}

// TestSSHFurtherKeys is about "ssh.keys": older keys of this CA and those of
// others.
func TestSSHFurtherKeys(t *testing.T) {
	t.Parallel()
	oldKey, oldPub := sshKeys(t)
	_, otherPub := sshKeys(t)
	c := catest.New(t, catest.Options{SSH: true, Edit: func(cfg map[string]any) {
		cfg["ssh"].(map[string]any)["keys"] = []any{
			map[string]any{"type": "host", "federated": false, "key": publicJWK(oldPub)},
			map[string]any{"type": "host", "federated": true, "key": publicJWK(otherPub)},
		}
	}})
	hostKeys := func(path string) (keys [][]byte) {
		_, body := c.Get(c.HTTP(nil), path)
		var resp struct{ HostKey [][]byte }
		if err := json.Unmarshal(body, &resp); err != nil {
			t.Fatal(err)
		}
		return resp.HostKey
	}
	if keys := hostKeys("/ssh/roots"); len(keys) != 2 || !bytes.Equal(keys[1], oldPub.Marshal()) {
		t.Errorf("roots: %q", keys)
	}
	if keys := hostKeys("/ssh/federation"); len(keys) != 2 || !bytes.Equal(keys[1], otherPub.Marshal()) {
		t.Errorf("federation: %q", keys)
	}
	key, host := signSSH(t, c, "h1", map[string]any{"certType": "host"}, nil)
	old := selfMade(t, host.crt, oldKey)
	status, body := c.Post(c.HTTP(nil), "/ssh/renew", map[string]any{"ott": c.SSHPOPToken("renew", old, key, "x")})
	if status != http.StatusCreated || !bytes.Equal(parseSigned(t, body).crt.SignatureKey.Marshal(), host.crt.SignatureKey.Marshal()) {
		t.Errorf("renewing a certificate of the old key: %d %s", status, body)
	}
	status, body = c.Post(c.HTTP(nil), "/ssh/sign", map[string]any{"publicKey": oldPub.Marshal(), "ott": c.SSHToken("joe", nil, nil)})
	if want := sshForbidden + "the public key is a key of the certificate authority itself."; status != http.StatusForbidden || !strings.Contains(string(body), want) {
		t.Errorf("a certificate for the old key: %d %s", status, body)
	}
}

// TestSSHAccessLog checks what the log has of SSH certificates.
func TestSSHAccessLog(t *testing.T) {
	t.Parallel()
	out := new(lockedBuffer)
	c := catest.New(t, catest.Options{SSH: true, Stderr: out, Log: slog.New(slog.DiscardHandler), Edit: func(cfg map[string]any) {
		cfg["logger"] = map[string]any{"format": "json"}
	}})
	_, s := signSSH(t, c, "joe", nil, nil)
	c.Post(c.HTTP(nil), "/ssh/revoke", map[string]any{"serial": "7", "passive": true, "reason": "lost", "ott": c.SSHRevokeToken("7")})
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	lines := map[string]map[string]any{}
	for _, line := range strings.Split(out.String(), "\n") {
		fields := map[string]any{}
		d := json.NewDecoder(strings.NewReader(line))
		d.UseNumber()
		if d.Decode(&fields) == nil {
			path, _ := fields["path"].(string)
			lines[path] = fields
		}
	}
	sign := lines["/1.0/ssh/sign"]
	want := map[string]any{
		"serial": json.Number(serialOf(s.crt)), "certificate-type": "ecdsa-sha2-nistp256-cert-v01@openssh.com user certificate",
		"public-key": ssh.FingerprintSHA256(s.crt.Key) + " (ECDSA-CERT)", "status": json.Number("201"),
		"valid-from": time.Unix(int64(s.crt.ValidAfter), 0).UTC().Format(time.RFC3339), "valid-to": time.Unix(int64(s.crt.ValidBefore), 0).UTC().Format(time.RFC3339),
	}
	for name, value := range want {
		if sign[name] != value {
			t.Errorf("%s is %v, want %v", name, sign[name], value)
		}
	}
	if p, _ := sign["principals"].([]any); len(p) != 1 || p[0] != "joe" {
		t.Errorf("principals are %v", sign["principals"])
	}
	if r := lines["/ssh/revoke"]; r["ssh"] != true || r["serial"] != "7" || r["mTLS"] != false || r["reason"] != "lost" {
		t.Errorf("revoke: %v", r)
	}
	if strings.Contains(out.String(), "eyJ") {
		t.Error("a token is in the log")
	}
}

// A lockedBuffer collects what several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// publicJWK is a key as ca.json has it.
func publicJWK(pub ssh.PublicKey) *jose.JWK {
	return &jose.JWK{Key: pub.(ssh.CryptoPublicKey).CryptoPublicKey()}
}
