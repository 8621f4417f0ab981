package apiserver_test

import (
	"bytes"
	"crypto/dsa" //lint:ignore SA1019 a key to be refused
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/ssh"

	"stepca/internal/catest"
)

// Beginnings of messages.
const (
	sshMalformed    = "The request could not be completed: "
	sshForbidden    = "The request was forbidden by the certificate authority: "
	sshUnauthorized = "The request lacked necessary authorization to be completed. Please see the certificate authority logs for more info."
	sshUndecodable  = sshMalformed + "error decoding json."
)

// wantRefusal checks that an answer is a refusal in the API's form, with a message
// that begins as it should.
func wantRefusal(t *testing.T, name string, status int, body []byte, wantStatus int, want string) {
	t.Helper()
	var refused struct {
		Status  int
		Message string
	}
	if err := json.Unmarshal(body, &refused); err != nil || status != wantStatus || refused.Status != status || !strings.HasPrefix(refused.Message, want) {
		t.Errorf("%s: %d %.300s, want %d %s", name, status, body, wantStatus, want)
	}
}

// wireKey is a key in SSH wire format, of any parts.
func wireKey(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			b = append(b, ssh.Marshal(struct{ S string }{p})...)
		case *big.Int:
			b = append(b, ssh.Marshal(struct{ N *big.Int }{p})...)
		default:
			panic(fmt.Sprintf("a part of type %T", p))
		}
	}
	return b
}

// publicWire is the wire format of a key.
func publicWire(t *testing.T, pub any) []byte {
	t.Helper()
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return key.Marshal()
}

// TestSSHSignKeys sends keys of all kinds, the broken, the weak and the absurd
// among them.
func TestSSHSignKeys(t *testing.T) {
	t.Parallel()
	c := catest.New(t, catest.Options{SSH: true})
	ed, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	_, good := sshKeys(t)
	_, issued := signSSH(t, c, "joe", nil, nil)
	// Nobody checks a signature with these numbers: they only have their size.
	odd := func(bits uint) *big.Int { return new(big.Int).SetBit(big.NewInt(1), int(bits)-1, 1) }
	exponent := big.NewInt(65537)
	dsaKey := &dsa.PublicKey{Parameters: dsa.Parameters{P: odd(1024), Q: odd(160), G: big.NewInt(2)}, Y: big.NewInt(3)}
	point := string(good.Marshal()[len(good.Marshal())-65:])
	offCurve := "\x04" + strings.Repeat("\x01", 64)
	roots := struct{ UserKey, HostKey [][]byte }{}
	if _, body := c.Get(c.HTTP(nil), "/ssh/roots"); json.Unmarshal(body, &roots) != nil {
		t.Fatalf("/ssh/roots: %s", body)
	}
	const unparsable = sshMalformed + "error parsing publicKey."
	tests := []struct {
		name   string
		key    any
		status int
		want   string
	}{
		{"Ed25519", publicWire(t, ed), 201, ""},
		{"ECDSA P-521", publicWire(t, p521.Public()), 201, ""},
		{"RSA 3072", wireKey("ssh-rsa", exponent, odd(3072)), 201, ""},
		{"RSA 16384", wireKey("ssh-rsa", exponent, odd(16384)), 201, ""}, // as much as OpenSSH reads
		{"security token with ECDSA", wireKey("sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", point, "ssh:"), 201, ""},
		{"security token with Ed25519", wireKey("sk-ssh-ed25519@openssh.com", string(ed), "ssh:"), 201, ""},

		{"RSA 1024", publicWire(t, weak.Public()), 403, sshForbidden + "ssh certificate key must be at least 2048 bits (256 bytes)."},
		{"RSA 2047", wireKey("ssh-rsa", exponent, odd(2047)), 403, sshForbidden + "ssh certificate key must be at least 2048 bits (256 bytes)."},
		{"RSA 16385", wireKey("ssh-rsa", exponent, odd(16385)), 400, unparsable},
		{"RSA 100000", wireKey("ssh-rsa", exponent, odd(100_000)), 400, unparsable},
		{"RSA with the exponent 1", wireKey("ssh-rsa", big.NewInt(1), odd(2048)), 400, unparsable},
		{"RSA with an even exponent", wireKey("ssh-rsa", big.NewInt(65536), odd(2048)), 400, unparsable},
		{"RSA with a huge exponent", wireKey("ssh-rsa", odd(100), odd(2048)), 400, unparsable},
		{"RSA with a negative modulus", wireKey("ssh-rsa", exponent, new(big.Int).Neg(odd(2048))), 403, sshForbidden + "ssh certificate key must be at least 2048 bits"},
		{"RSA with the modulus 0", wireKey("ssh-rsa", exponent, new(big.Int)), 403, sshForbidden + "ssh certificate key must be at least 2048 bits"},
		{"DSA", publicWire(t, dsaKey), 400, sshMalformed + "ssh certificate key algorithm (DSA) is not supported."},
		{"ECDSA P-224", wireKey("ecdsa-sha2-nistp224", "nistp224", point), 400, unparsable},
		{"ECDSA with two curves", wireKey("ecdsa-sha2-nistp256", "nistp384", point), 400, unparsable},
		{"ECDSA off the curve", wireKey("ecdsa-sha2-nistp256", "nistp256", offCurve), 400, unparsable},
		{"ECDSA at infinity", wireKey("ecdsa-sha2-nistp256", "nistp256", "\x00"), 400, unparsable},
		{"Ed25519 of 31 bytes", wireKey("ssh-ed25519", string(ed[:31])), 400, unparsable},
		{"Ed25519 of no bytes", wireKey("ssh-ed25519", ""), 400, unparsable},
		{"unknown algorithm", wireKey("ssh-ed448", "x"), 400, unparsable},
		{"cut short", good.Marshal()[:50], 400, unparsable},
		{"with something behind", append(good.Marshal(), 'x'), 400, unparsable},
		{"a length beyond the end", []byte("\xff\xff\xff\xffssh-rsa"), 400, unparsable},
		{"text of a .pub file", ssh.MarshalAuthorizedKey(good), 400, unparsable},
		{"a certificate", issued.crt.Marshal(), 400, sshMalformed + "the public key is a certificate."},
		{"the CA's user key", roots.UserKey[0], 403, sshForbidden + "the public key is a key of the certificate authority itself."},
		{"the CA's host key", roots.HostKey[0], 403, sshForbidden + "the public key is a key of the certificate authority itself."},
		{"700 kB", bytes.Repeat([]byte{'a'}, 700_000), 400, unparsable},
		{"1 MB", bytes.Repeat([]byte{'a'}, 1_000_000), 413, "The request could not be completed: the body is larger than 1048576 bytes."},
		{"no base64", "AAAA*", 400, sshUndecodable},
		{"a number", 7, 400, sshUndecodable},
		{"an object", map[string]any{"kty": "EC"}, 400, sshUndecodable},
		{"empty", "", 400, sshMalformed + "missing or empty publicKey."},
		{"null", nil, 400, sshMalformed + "missing or empty publicKey."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			token := c.SSHToken("joe", nil, nil)
			status, body := c.Post(c.HTTP(nil), "/ssh/sign", map[string]any{"publicKey": test.key, "ott": token})
			if test.status != http.StatusCreated {
				wantRefusal(t, test.name, status, body, test.status, test.want)
				// A refused key spends nothing.
				status, body = c.Post(c.HTTP(nil), "/ssh/sign", map[string]any{"publicKey": good.Marshal(), "ott": token})
			}
			if status != http.StatusCreated {
				t.Fatalf("%d %s", status, body)
			}
			if out, err := sshKeygen(t, "-L", "-f", writeCertificate(t, parseSigned(t, body).crt)); err != nil {
				t.Errorf("ssh-keygen does not read the certificate: %v: %s", err, out)
			}
			if test.key == nil || test.key == "" {
				return
			}
			add := map[string]any{"publicKey": good.Marshal(), "addUserPublicKey": test.key, "ott": c.SSHToken("joe", nil, nil)}
			want := strings.Replace(test.want, "publicKey", "addUserPublicKey", 1)
			status, body = c.Post(c.HTTP(nil), "/ssh/sign", add)
			if test.status == http.StatusCreated {
				if status != http.StatusCreated || parseSigned(t, body).addUser == nil {
					t.Errorf("to add a user: %d %s", status, body)
				}
				return
			}
			wantRefusal(t, "to add a user", status, body, test.status, want)
		})
	}
}

// TestSSHSignBodies sends bodies that are not what they should be.
func TestSSHSignBodies(t *testing.T) {
	t.Parallel()
	c := catest.New(t, catest.Options{SSH: true})
	hc := c.HTTP(nil)
	_, pub := sshKeys(t)
	wrong := map[string][]any{
		"ott":              {7, []string{"x"}, map[string]any{}, true},
		"certType":         {1, []string{"user"}, true},
		"keyID":            {1, []string{"x"}, map[string]any{}},
		"principals":       {"joe", 1, []any{1}, []any{[]string{"joe"}}, map[string]any{"a": "b"}},
		"validAfter":       {1, true, "tomorrow", "1d", "9999999999h", "2026-13-01T00:00:00Z", []string{"1h"}},
		"validBefore":      {3600, "-", "1h 2m", "2026-11-21", map[string]any{}},
		"addUserPublicKey": {1, true, "%%%", map[string]any{}},
		"identityCSR":      {1, true, "no PEM", []string{"x"}, "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"},
	}
	for field, values := range wrong {
		for _, value := range values {
			body := map[string]any{"publicKey": pub.Marshal(), "ott": "x"}
			body[field] = value
			status, answer := c.Post(hc, "/ssh/sign", body)
			wantRefusal(t, fmt.Sprintf("%s: %v", field, value), status, answer, http.StatusBadRequest, sshUndecodable)
		}
	}
	for _, path := range []string{"/ssh/sign", "/ssh/renew", "/ssh/rekey", "/ssh/revoke", "/ssh/config", "/ssh/check-host", "/ssh/bastion"} {
		for name, text := range map[string]string{
			"nothing": "", "a list": "[]", "a text": `"x"`, "a number": "1", "half an object": `{"ott":`,
			"deep": strings.Repeat(`{"data":`, 20_000), "deep list": strings.Repeat("[", 100_000), "binary": "\x00\xff\xfe",
		} {
			resp, err := hc.Post(c.URL+path, "application/json", strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			wantRefusal(t, path+" with "+name, resp.StatusCode, answer, http.StatusBadRequest, sshUndecodable)
		}
		if status, answer := c.Post(hc, path, nil); status >= 500 || status < 400 && path != "/ssh/config" {
			t.Errorf("%s with null: %d %s", path, status, answer)
		}
	}
}

// TestSSHSignTokens sends tokens that say what they must not.
func TestSSHSignTokens(t *testing.T) {
	t.Parallel()
	c := catest.New(t, catest.Options{SSH: true})
	key, pub := sshKeys(t)
	_, user := signSSH(t, c, "joe", nil, nil)
	many := make([]string, 10_000)
	for i := range many {
		many[i] = fmt.Sprint("p", i)
	}
	said := func(options map[string]any) string { return c.SSHToken("joe", options, nil) }
	principals := func(names ...string) string { return said(map[string]any{"principals": names}) }
	step := func(claim any) string { return c.SSHToken("joe", nil, map[string]any{"step": claim}) }
	const unprintable = "has control characters."
	tests := []struct {
		name, token string
		status      int
		want        string // within the message
	}{
		{"newline in a principal", principals("joe\nroot"), 403, unprintable},
		{"NUL in a principal", principals("root\x00x"), 403, unprintable},
		{"escape sequence in a principal", principals("\x1b[2Jjoe"), 403, unprintable},
		{"DEL in a principal", principals("joe\x7f"), 403, unprintable},
		{"next line in a principal", principals("joe\u0085"), 403, unprintable},
		{"line separator in a principal", principals("joe\u2028"), 403, unprintable},
		{"zero width space in a principal", principals("jo\u200be"), 403, unprintable},
		{"no UTF-8 in a principal", principals("joe\xff"), 403, "is not valid UTF-8"},
		{"no UTF-8 in the key ID", said(map[string]any{"keyID": "a\xc3"}), 403, "is not valid UTF-8"},
		{"comma in a principal", principals("joe,root"), 403, "has a comma"},
		{"empty principal", principals("joe", ""), 400, "principals cannot contain empty values."},
		{"257 principals", principals(many[:257]...), 403, "ssh certificate has 257 principals, more than the 256 that OpenSSH reads."},
		{"10,000 principals", principals(many...), 400, "more than 1000 principals."},
		{"a principal of 100 kB", principals(strings.Repeat("a", 100_000)), 403, "ssh certificate principal is longer than 1024 bytes."},
		{"newline in the key ID", said(map[string]any{"keyID": "a\nb"}), 403, unprintable},
		{"a key ID of 100 kB", said(map[string]any{"keyID": strings.Repeat("a", 100_000)}), 403, "ssh certificate key id is longer than 1024 bytes."},
		{"control characters in the subject", c.SSHToken("a\tb", nil, nil), 403, unprintable},
		{"no subject", c.SSHToken("", nil, nil), 401, sshUnauthorized},
		{"unknown type", said(map[string]any{"certType": "root"}), 400, "unknown certificate type 'root'."},

		{"for ever", said(map[string]any{"validBefore": "9999-12-31T23:59:59Z"}), 403, "is greater than maximum accepted duration"},
		{"nearly 300 years", said(map[string]any{"validBefore": "2562047h"}), 403, "is greater than maximum accepted duration"},
		{"from the year 1", said(map[string]any{"validAfter": "0001-01-02T00:00:00Z"}), 400, "ssh certificate validAfter cannot be before 1970."},
		{"until 1960", said(map[string]any{"validBefore": "1960-01-01T00:00:00Z"}), 400, "ssh certificate validBefore cannot be before 1970."},
		{"from 1970", said(map[string]any{"validAfter": "1970-01-01T00:00:01Z"}), 400, "ssh certificate validBefore cannot be in the past."},
		{"reversed", said(map[string]any{"validAfter": "2h", "validBefore": "1h"}), 400, "ssh certificate validAfter cannot be greater than validBefore."},
		{"no time at all", said(map[string]any{"validAfter": "1h", "validBefore": "1h"}), 403, "requested duration of 0s is less than minimum accepted duration"},
		{"over", said(map[string]any{"validAfter": "-3h", "validBefore": "-1h"}), 400, "ssh certificate validBefore cannot be in the past."},

		{"principals are text", said(map[string]any{"principals": "joe"}), 401, sshUnauthorized},
		{"validity is a number", said(map[string]any{"validBefore": 3600}), 401, sshUnauthorized},
		{"key ID is a number", said(map[string]any{"keyID": 1}), 401, sshUnauthorized},
		{"options are a list", step(map[string]any{"ssh": []string{}}), 401, sshUnauthorized},
		{"options are null", step(map[string]any{"ssh": nil}), 401, sshUnauthorized},
		{"no options", step(nil), 401, sshUnauthorized},

		{"for X.509 revocation", c.RevokeToken("1"), 401, sshUnauthorized},
		{"for SSH revocation", c.SSHRevokeToken("1"), 401, sshUnauthorized},
		{"for X.509", c.Token("joe", []string{"joe"}, nil), 401, sshUnauthorized},
		{"of the SSHPOP provisioner", c.SSHPOPToken("sign", user.crt, key, "joe"), 401, sshUnauthorized},
		{"for another audience", c.SSHToken("joe", nil, map[string]any{"aud": c.URL + "/1.0/ssh/renew"}), 401, sshUnauthorized},
		{"expired", c.SSHToken("joe", nil, map[string]any{"exp": time.Now().Add(-2 * time.Minute).Unix()}), 401, sshUnauthorized},
		{"a token of 900 kB", strings.Repeat("a", 900_000), 401, sshUnauthorized},
	}
	for _, test := range tests {
		status, body := c.Post(c.HTTP(nil), "/ssh/sign", map[string]any{"publicKey": pub.Marshal(), "ott": test.token})
		prefix := map[int]string{400: sshMalformed, 401: sshUnauthorized, 403: sshForbidden}[test.status]
		wantRefusal(t, test.name, status, body, test.status, prefix)
		if !strings.Contains(string(body), test.want) {
			t.Errorf("%s: %s, want %s", test.name, body, test.want)
		}
	}

	host := map[string]any{"certType": "host", "principals": []string{"h1"}}
	status, body := c.Post(c.HTTP(nil), "/ssh/sign", map[string]any{"publicKey": pub.Marshal(), "certType": "user", "ott": c.SSHToken("h1", host, nil)})
	wantRefusal(t, "a user certificate by a host's token", status, body, 403, sshForbidden+"ssh certificate type does not match - got user, want host.")

	// Compatible: audiences are the same, so that one token is good for an
	// identity. By itself it gives its subject, and no principal.
	_, csr := c.CSR(x509.CertificateRequest{})
	token := c.SSHToken("joe", map[string]any{"principals": []string{"root"}}, nil)
	status, body = c.Post(c.HTTP(nil), "/sign", map[string]any{"csr": csr, "ott": token})
	if status != http.StatusCreated {
		t.Fatalf("%d %s", status, body)
	}
	crt, err := catest.ParseSigned(body)
	if err != nil || !slices.Equal(crt.Leaf.DNSNames, []string{"joe"}) {
		t.Errorf("X.509 certificate by an SSH token: %v, %v", crt.Leaf.DNSNames, err)
	}
	status, body = c.Post(c.HTTP(nil), "/ssh/sign", map[string]any{"publicKey": pub.Marshal(), "ott": token})
	wantRefusal(t, "the same token for SSH", status, body, 401, sshUnauthorized)
}

// TestSSHLogLines checks that nobody can fill the log with what they send.
func TestSSHLogLines(t *testing.T) {
	t.Parallel()
	access, log := new(lockedBuffer), new(lockedBuffer)
	c := catest.New(t, catest.Options{SSH: true, Stderr: access, Log: slog.New(slog.NewTextHandler(log, nil)), Edit: func(cfg map[string]any) {
		cfg["logger"] = map[string]any{"format": "json"}
	}})
	long := strings.Repeat("é", 100_000)
	_, pub := sshKeys(t)
	for path, body := range map[string]map[string]any{
		"/ssh/sign":       {"publicKey": pub.Marshal(), "ott": c.SSHToken("joe", nil, map[string]any{"aud": long, "jti": long})},
		"/1.0/ssh/sign":   {"certType": long},
		"/ssh/revoke":     {"serial": long, "reason": long, "passive": true, "ott": "x"},
		"/1.0/ssh/revoke": {"serial": "7", "reason": long, "passive": true, "ott": "x"},
		"/ssh/check-host": {"type": long, "principal": "x"},
		"/ssh/config":     {"type": long},
	} {
		if status, answer := c.Post(c.HTTP(nil), path, body); status < 400 || status >= 500 {
			t.Errorf("%s: %d %.200s", path, status, answer)
		}
	}
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(access.String()+log.String(), "\n")
	if len(lines) < 7 {
		t.Errorf("%d lines", len(lines))
	}
	for _, line := range lines {
		if len(line) > 5000 || !utf8.ValidString(line) {
			t.Errorf("a line of %d octets: %.300s", len(line), line)
		}
	}
}
