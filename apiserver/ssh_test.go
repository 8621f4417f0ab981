package apiserver_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/api"
	"stepca/internal/catest"
)

// signed is what /ssh/sign, /ssh/renew and /ssh/rekey answer.
type signed struct {
	crt, addUser *ssh.Certificate
	identity     []*x509.Certificate
}

func parseSigned(t testing.TB, body []byte) *signed {
	t.Helper()
	var resp struct {
		Crt         []byte
		AddUserCrt  []byte
		IdentityCrt []string
	}
	if err := json.Unmarshal(body, &resp); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	s := new(signed)
	for _, c := range []struct {
		wire []byte
		into **ssh.Certificate
	}{{resp.Crt, &s.crt}, {resp.AddUserCrt, &s.addUser}} {
		if len(c.wire) == 0 {
			continue
		}
		key, err := ssh.ParsePublicKey(c.wire)
		if err != nil {
			t.Fatal(err)
		}
		*c.into = key.(*ssh.Certificate)
	}
	for _, text := range resp.IdentityCrt {
		block, _ := pem.Decode([]byte(text))
		crt, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		s.identity = append(s.identity, crt)
	}
	return s
}

// sshKeys makes a key; the public half in SSH form.
func sshKeys(t testing.TB) (crypto.Signer, ssh.PublicKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key, pub
}

// signSSH gets a certificate for a new key.
func signSSH(t testing.TB, c *catest.CA, subject string, options map[string]any, more map[string]any) (crypto.Signer, *signed) {
	t.Helper()
	key, pub := sshKeys(t)
	body := map[string]any{"publicKey": pub.Marshal(), "ott": c.SSHToken(subject, options, nil)}
	for k, v := range more {
		body[k] = v
	}
	status, answer := c.Post(c.HTTP(nil), "/1.0/ssh/sign", body)
	if status != http.StatusCreated {
		t.Fatalf("POST /1.0/ssh/sign: %d %s", status, answer)
	}
	return key, parseSigned(t, answer)
}

// sshKeygen runs ssh-keygen and returns what it prints.
func sshKeygen(t testing.TB, args ...string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	out, err := exec.Command("ssh-keygen", args...).CombinedOutput()
	return string(out), err
}

func writeCertificate(t testing.TB, crt *ssh.Certificate) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "id-cert.pub")
	if err := os.WriteFile(file, ssh.MarshalAuthorizedKey(crt), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestSSHSign(t *testing.T) {
	t.Parallel()
	c := catest.New(t, catest.Options{SSH: true})
	tests := []struct {
		name    string
		subject string
		options map[string]any
		more    map[string]any
		want    string // what ssh-keygen -L says, without what is random
	}{
		{"user by default", "joe", nil, map[string]any{"certType": "", "keyID": "ignored", "principals": []string{"root"}}, `
Type: ecdsa-sha2-nistp256-cert-v01@openssh.com user certificate
Key ID: "joe"
Principals: 
joe
Critical Options: (none)
Extensions: 
permit-X11-forwarding
permit-agent-forwarding
permit-port-forwarding
permit-pty
permit-user-rc`},
		{"host", "h1.local", map[string]any{"certType": "host", "principals": []string{"h1.local", "10.0.0.1"}}, nil, `
Type: ecdsa-sha2-nistp256-cert-v01@openssh.com host certificate
Key ID: "h1.local"
Principals: 
h1.local
10.0.0.1
Critical Options: (none)
Extensions: (none)`},
		{"key ID of the token", "x", map[string]any{"certType": "user", "keyID": "ann@example.com", "principals": []string{"ann", "ann@example.com"}}, nil, `
Type: ecdsa-sha2-nistp256-cert-v01@openssh.com user certificate
Key ID: "ann@example.com"
Principals: 
ann
ann@example.com
Critical Options: (none)
Extensions: 
permit-X11-forwarding
permit-agent-forwarding
permit-port-forwarding
permit-pty
permit-user-rc`},
	}
	random := regexp.MustCompile(`^(/|Public key|Signing CA|Serial|Valid)`)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, got := signSSH(t, c, test.subject, test.options, test.more)
			out, err := sshKeygen(t, "-L", "-f", writeCertificate(t, got.crt))
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			var lines []string
			for _, line := range strings.Split(out, "\n") {
				if line := strings.TrimLeft(line, " \t"); line != "" && !random.MatchString(line) {
					lines = append(lines, strings.TrimRight(line, " "))
				}
			}
			want := regexp.MustCompile(`(?m) $`).ReplaceAllString(strings.TrimSpace(test.want), "")
			if text := strings.Join(lines, "\n"); text != want {
				t.Errorf("ssh-keygen -L says\n%s\nwant\n%s", text, want)
			}
			checkWindow(t, got.crt)
		})
	}
}

// checkWindow checks the default validity, serial and nonce.
func checkWindow(t *testing.T, crt *ssh.Certificate) {
	t.Helper()
	want := 16*time.Hour + time.Minute
	if crt.CertType == ssh.HostCert {
		want = 720*time.Hour + time.Minute
	}
	if got := time.Duration(crt.ValidBefore-crt.ValidAfter) * time.Second; got != want {
		t.Errorf("valid for %v, want %v", got, want)
	}
	if crt.Serial == 0 || len(crt.Nonce) != 32 || regexp.MustCompile(`[^ -~]`).Match(crt.Nonce) {
		t.Errorf("serial %d, nonce %q", crt.Serial, crt.Nonce)
	}
	checker := ssh.CertChecker{}
	if err := checker.CheckCert(crt.ValidPrincipals[0], crt); err != nil {
		t.Error(err)
	}
}

func TestSSHIdentity(t *testing.T) {
	t.Parallel()
	c := catest.New(t, catest.Options{SSH: true})
	id, _ := url.Parse("urn:uuid:8c8a7b8e-5d6b-4a3e-9a55-6f4a7a1e2f10")
	other, _ := url.Parse("https://elsewhere.example.com/")
	csrTemplate := x509.CertificateRequest{URIs: []*url.URL{other, id}}
	csrTemplate.Subject.CommonName = "joe"
	_, csr := c.CSR(csrTemplate)

	_, got := signSSH(t, c, "joe", nil, map[string]any{"identityCSR": csr})
	if len(got.identity) != 2 {
		t.Fatalf("%d certificates of the identity", len(got.identity))
	}
	leaf := got.identity[0]
	if leaf.NotBefore.Unix() != int64(got.crt.ValidAfter) || leaf.NotAfter.Unix() != int64(got.crt.ValidBefore) {
		t.Errorf("identity from %v to %v, SSH certificate from %d to %d", leaf.NotBefore, leaf.NotAfter, got.crt.ValidAfter, got.crt.ValidBefore)
	}
	if leaf.Subject.CommonName != "joe" || !reflect.DeepEqual(leaf.DNSNames, []string{"joe"}) || len(leaf.URIs) != 1 || leaf.URIs[0].String() != id.String() {
		t.Errorf("identity for %v, %v, %v", leaf.Subject, leaf.DNSNames, leaf.URIs)
	}
	if err := leaf.CheckSignatureFrom(got.identity[1]); err != nil {
		t.Error(err)
	}

	t.Run("of a host no longer than X.509 certificates may be", func(t *testing.T) {
		_, csr := c.CSR(x509.CertificateRequest{})
		_, got := signSSH(t, c, "h1.local", map[string]any{"certType": "host"}, map[string]any{"identityCSR": csr})
		if d := got.identity[0].NotAfter.Sub(got.identity[0].NotBefore); d != 24*time.Hour+time.Minute {
			t.Errorf("valid for %v", d)
		}
	})
	t.Run("for another name refuses all", func(t *testing.T) {
		tmpl := x509.CertificateRequest{}
		tmpl.Subject.CommonName = "mallory"
		_, csr := c.CSR(tmpl)
		_, pub := sshKeys(t)
		token := c.SSHToken("joe", nil, nil)
		status, body := c.Post(c.HTTP(nil), "/ssh/sign", map[string]any{"publicKey": pub.Marshal(), "ott": token, "identityCSR": csr})
		if status != http.StatusForbidden || !strings.Contains(string(body), "valid common name - got mallory") {
			t.Errorf("%d %s", status, body)
		}
		status, _ = c.Post(c.HTTP(nil), "/ssh/sign", map[string]any{"publicKey": pub.Marshal(), "ott": token})
		if status != http.StatusCreated {
			t.Errorf("a refused request spent its token: %d", status)
		}
	})
}

func TestSSHAddUser(t *testing.T) {
	t.Parallel()
	c := catest.New(t, catest.Options{SSH: true})
	_, add := sshKeys(t)
	more := map[string]any{"addUserPublicKey": add.Marshal()}
	_, got := signSSH(t, c, "x", map[string]any{"principals": []string{"ann", "ann@example.com"}}, more)
	crt := got.addUser
	if crt == nil {
		t.Fatal("no certificate to add the user")
	}
	want := map[string]string{"force-command": "sudo useradd -m ann; nc -q0 localhost 22"}
	if crt.KeyId != "ann-provisioner" || !reflect.DeepEqual(crt.ValidPrincipals, []string{"provisioner"}) ||
		!reflect.DeepEqual(crt.CriticalOptions, want) || len(crt.Extensions) != 0 ||
		crt.ValidAfter != got.crt.ValidAfter || crt.ValidBefore != got.crt.ValidBefore || crt.Serial == got.crt.Serial {
		t.Errorf("%+v", crt)
	}
	if _, got := signSSH(t, c, "x", map[string]any{"principals": []string{"ann", "bob"}}, more); got.addUser != nil {
		t.Error("added one of two users")
	}
	if _, got := signSSH(t, c, "h", map[string]any{"certType": "host"}, more); got.addUser != nil {
		t.Error("added a host")
	}
	for _, name := range []string{"$(reboot)", "a;b", "-ann", "a b", "`id`", strings.Repeat("a", 33)} {
		_, pub := sshKeys(t)
		status, body := c.Post(c.HTTP(nil), "/ssh/sign", map[string]any{
			"publicKey": pub.Marshal(), "addUserPublicKey": add.Marshal(), "ott": c.SSHToken(name, nil, nil),
		})
		if status != http.StatusForbidden || !strings.Contains(string(body), "not a plain user name") {
			t.Errorf("%q: %d %s", name, status, body)
		}
	}
}

func TestSSHReads(t *testing.T) {
	t.Parallel()
	c := catest.New(t, catest.Options{SSH: true, Edit: func(cfg map[string]any) {
		cfg["ssh"].(map[string]any)["bastion"] = map[string]any{"hostname": "Bastion.example.com", "user": "bob", "port": "2222"}
	}})
	hc := c.HTTP(nil)
	status, body := c.Get(hc, "/1.0/ssh/roots")
	var roots struct{ UserKey, HostKey [][]byte }
	if err := json.Unmarshal(body, &roots); err != nil || status != http.StatusOK || len(roots.UserKey) != 1 || len(roots.HostKey) != 1 {
		t.Fatalf("%d %s %v", status, body, err)
	}
	if status, again := c.Get(hc, "/ssh/federation"); status != http.StatusOK || string(again) != string(body) {
		t.Errorf("%d %s", status, again)
	}
	_, host := signSSH(t, c, "H1.local", map[string]any{"certType": "host"}, nil)
	if string(host.crt.SignatureKey.Marshal()) != string(roots.HostKey[0]) {
		t.Error("the host certificate is not signed by the key shown")
	}
	hostKey := base64.StdEncoding.EncodeToString(roots.HostKey[0])
	userKey := base64.StdEncoding.EncodeToString(roots.UserKey[0])
	content := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

	tests := []struct {
		path   string
		body   any
		status int
		want   string
	}{
		{"/ssh/config", map[string]any{"type": "host", "data": map[string]string{"Certificate": "c.pub", "Key": "k"}}, 200,
			`{"hostTemplates":[{"name":"sshd_config.tpl","type":"snippet","path":"/etc/ssh/sshd_config","comment":"#","content":"` +
				content("Match all\n\tTrustedUserCAKeys /etc/ssh/ca.pub\n\tHostCertificate /etc/ssh/c.pub\n\tHostKey /etc/ssh/k") +
				`"},{"name":"ca.tpl","type":"snippet","path":"/etc/ssh/ca.pub","comment":"#","content":"` +
				content("ecdsa-sha2-nistp256 "+userKey+"\n") + `"}]}`},
		{"/ssh/config/whatever", map[string]any{"data": map[string]string{
			"StepPath": "/h/.step", "GOOS": "linux", "Context": "ctx", "User": "joe", "Provisioner": "p", "Console": "true", "StepSSHTemplateVersion": "v2"}}, 200,
			`{"userTemplates":[{"name":"config.tpl","type":"snippet","path":"~/.ssh/config","comment":"#","content":"` +
				content("Host *\n\tInclude \"/h/.step/ssh/includes\"") +
				`"},{"name":"step_includes.tpl","type":"prepend-line","path":"${STEPPATH}/ssh/includes","comment":"#","content":"` +
				content("Include \"/h/.step/ssh/config\"") +
				`"},{"name":"step_config.tpl","type":"file","path":"ssh/config","comment":"#","content":"` +
				content("Match exec \"step ssh check-host --context ctx %h\"\n\tUser joe\n\tUserKnownHostsFile \"/h/.step/ssh/known_hosts\"\n\tProxyCommand step ssh proxycommand --context ctx --console --provisioner p %r %h %p\n") +
				`"},{"name":"known_hosts.tpl","type":"file","path":"ssh/known_hosts","comment":"#","content":"` +
				content("@cert-authority * ecdsa-sha2-nistp256 "+hostKey+"\n") + `"}]}`},
		{"/ssh/config", map[string]any{"type": "foo"}, 400, refusal(400, "The request could not be completed: invalid type 'foo'.")},
		{"/ssh/config", map[string]any{"type": "host"}, 400, refusal(400, "The request could not be completed: required variable 'Certificate' is missing, please use `--set \\u003ckey=value\\u003e` flag.")},
		{"/ssh/config", map[string]any{"data": map[string]any{"a": 1}}, 400, refusal(400, "The request could not be completed: error decoding json.")},
		{"/ssh/check-host", map[string]any{"type": "host", "principal": "h1.LOCAL"}, 200, `{"exists":true}`},
		{"/ssh/check-host", map[string]any{"type": "host", "principal": "h2.local"}, 200, `{"exists":false}`},
		{"/ssh/check-host", map[string]any{"type": "user", "principal": "x"}, 400, refusal(400, "The request could not be completed: unsupported type 'user'.")},
		{"/ssh/check-host", map[string]any{"type": "host"}, 400, refusal(400, "The request could not be completed: missing or empty principal.")},
		{"/ssh/bastion", map[string]any{"hostname": "h1"}, 200, `{"hostname":"h1","bastion":{"hostname":"Bastion.example.com","user":"bob","port":"2222"}}`},
		{"/ssh/bastion", map[string]any{"hostname": "bastion.example.com"}, 200, `{"hostname":"bastion.example.com"}`},
		{"/ssh/bastion", map[string]any{}, 400, refusal(400, "The request could not be completed: missing or empty hostname.")},
	}
	for _, test := range tests {
		status, body := c.Post(hc, test.path, test.body)
		if got := strings.TrimSuffix(string(body), "\n"); status != test.status || got != test.want {
			t.Errorf("POST %s %v: %d\n%s\nwant %d\n%s", test.path, test.body, status, got, test.status, test.want)
		}
	}
	want := `{"hosts":[{"hid":"","host_tags":null,"hostname":"h1.local"}]}` + "\n"
	for _, path := range []string{"/1.0/ssh/hosts", "/ssh/get-hosts"} {
		if status, body := c.Get(hc, path); status != http.StatusOK || string(body) != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if resp, err := hc.Get(c.URL + "/ssh/config"); err != nil || resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "POST" {
		t.Errorf("GET /ssh/config: %v %v", resp, err)
	}
}

// refusal is the body of an error.
func refusal(status int, message string) string {
	return `{"status":` + strconv.Itoa(status) + `,"message":"` + message + `"}`
}

// golden is the reference's answer to POST /ssh/sign for the token subject joe.
const golden = "testdata/ssh_sign.json"

// TestSSHGolden compares a certificate of ours with the reference's, octet for
// octet but for what is random, and the answer's form with its.
func TestSSHGolden(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var resp api.SSHSignResponse
	if err := json.Unmarshal(text, &resp); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(resp)
	if err != nil || string(again) != strings.TrimSpace(string(text)) {
		t.Errorf("written again, the answer is\n%s\n(%v), want\n%s", again, err, text)
	}
	c := catest.New(t, catest.Options{SSH: true})
	_, got := signSSH(t, c, "joe", nil, nil)
	ours, want := got.crt, resp.Certificate
	if ours.ValidBefore-ours.ValidAfter != want.ValidBefore-want.ValidAfter || len(ours.Nonce) != len(want.Nonce) {
		t.Errorf("valid for %d seconds with a nonce of %d bytes, want %d and %d",
			ours.ValidBefore-ours.ValidAfter, len(ours.Nonce), want.ValidBefore-want.ValidAfter, len(want.Nonce))
	}
	if ours.Signature.Format != want.Signature.Format {
		t.Errorf("signature of type %s, want %s", ours.Signature.Format, want.Signature.Format)
	}
	ours.Nonce, ours.Key, ours.Serial, ours.ValidAfter, ours.ValidBefore = want.Nonce, want.Key, want.Serial, want.ValidAfter, want.ValidBefore
	ours.SignatureKey, ours.Signature = want.SignatureKey, want.Signature
	if a, b := ours.Marshal(), want.Marshal(); string(a) != string(b) {
		t.Errorf("certificate is\n%x, want\n%x", a, b)
	}
}
