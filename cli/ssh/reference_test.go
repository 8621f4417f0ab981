//go:build unix

package ssh_test

import (
	"bufio"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/jose"
)

// A reference answers as the original server does, byte for byte where a client
// could see a difference: it has no /ssh/krl, and provisioners that ours has not.
type reference struct {
	t          *testing.T
	URL, root  string // root is the file with its certificate
	user, host ssh.Signer

	mu     sync.Mutex
	bodies map[string]string // last body by path
	nonce  string            // of the login at its OpenID provider
	token  string            // that came of it
}

func newReference(t *testing.T) *reference {
	t.Helper()
	r := &reference{t: t, user: newSigner(t), host: newSigner(t), bodies: make(map[string]string)}
	server := httptest.NewTLSServer(r)
	t.Cleanup(server.Close)
	r.URL, r.root = server.URL, filepath.Join(t.TempDir(), "root.pem")
	write(t, r.root, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	return r
}

func newSigner(t *testing.T) ssh.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// line is a key in authorized_keys.
func line(key ssh.PublicKey) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func (r *reference) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		r.t.Error(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bodies[req.URL.Path] = string(body)
	answer := func(status int, format string, args ...any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprintf(w, format+"\n", args...)
	}
	user, host := b64(string(r.user.PublicKey().Marshal())), b64(string(r.host.PublicKey().Marshal()))
	switch req.Method + " " + req.URL.Path {
	case "GET /version":
		answer(200, `{"version":"0.30.2"}`)
	case "GET /provisioners":
		answer(200, `{"provisioners":[{"type":"OIDC","name":"sso","clientID":"id","clientSecret":"s","configurationEndpoint":"%s/.well-known/openid-configuration","listenAddress":":0","admins":["a@b.c"]},`+
			`{"type":"SSHPOP","name":"sshpop","claims":{"enableSSHCA":true}}],"nextCursor":""}`, r.openID())
	case "GET /ssh/roots", "GET /ssh/federation":
		answer(200, `{"userKey":["%s"],"hostKey":["%s"]}`, user, host)
	case "POST /ssh/sign":
		answer(201, `{"crt":"%s"}`, b64(string(r.sign(body).Marshal())))
	case "POST /ssh/config":
		answer(200, `{"userTemplates":[{"name":"config.tpl","type":"snippet","path":"~/.ssh/config","comment":"#","content":"%s"},`+
			`{"name":"step_includes.tpl","type":"prepend-line","path":"${STEPPATH}/ssh/includes","comment":"#","content":"%s"},`+
			`{"name":"known_hosts.tpl","type":"file","path":"ssh/known_hosts","comment":"#","content":"%s"}]}`,
			b64("Host *\n\tInclude \"x\""), b64("Include \"y\""), b64("@cert-authority * "+line(r.host.PublicKey())+"\n"))
	case "POST /ssh/check-host":
		answer(200, `{"exists":%v}`, strings.Contains(string(body), `"h1.local"`))
	case "GET /ssh/hosts":
		answer(200, `{"hosts":[{"hid":"","host_tags":null,"hostname":"h1.local"}]}`)
	case "POST /ssh/bastion":
		answer(200, `{"hostname":"h1.local"}`)
	case "POST /ssh/renew":
		answer(401, `{"status":401,"message":"The request lacked necessary authorization to be completed. Please see the certificate authority logs for more info."}`)
	default:
		http.NotFound(w, req) // the router's, which is not JSON
	}
}

// body is the last one that a path got.
func (r *reference) body(path string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bodies[path]
}

// sign issues a user certificate with what a client has asked for.
func (r *reference) sign(body []byte) *ssh.Certificate {
	var req struct {
		PublicKey  []byte   `json:"publicKey"`
		Token      string   `json:"ott"`
		KeyID      string   `json:"keyID"`
		Principals []string `json:"principals"`
	}
	if err := json.Unmarshal(body, &req); err != nil || req.Token != r.token {
		r.t.Errorf("the body of /ssh/sign is %s: %v", body, err)
		return nil
	}
	key, err := ssh.ParsePublicKey(req.PublicKey)
	if err != nil {
		r.t.Error(err)
		return nil
	}
	cert := &ssh.Certificate{
		Key: key, CertType: ssh.UserCert, KeyId: req.KeyID, ValidPrincipals: req.Principals,
		ValidAfter: uint64(time.Now().Add(-time.Minute).Unix()), ValidBefore: uint64(time.Now().Add(time.Hour).Unix()),
	}
	if err := cert.SignCert(rand.Reader, r.user); err != nil {
		r.t.Error(err)
	}
	return cert
}

// openID runs an OpenID provider and returns its URL.
func (r *reference) openID() string {
	key, err := jose.GenerateJWK()
	if err != nil {
		r.t.Error(err)
	}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	r.t.Cleanup(server.Close)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"authorization_endpoint":"%[1]s/auth","token_endpoint":"%[1]s/token"}`, server.URL)
	})
	mux.HandleFunc("GET /auth", func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.nonce = req.FormValue("nonce")
		http.Redirect(w, req, req.FormValue("redirect_uri")+"?code=c&state="+req.FormValue("state"), http.StatusFound)
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		var err error
		r.token, err = jose.SignClaims(map[string]any{
			"iss": server.URL, "aud": "id", "sub": "17", "email": "joe@example.com", "nonce": r.nonce, "exp": time.Now().Add(time.Hour).Unix(),
		}, key, jose.SignOptions{})
		if err != nil {
			r.t.Error(err)
		}
		fmt.Fprintf(w, `{"id_token":"%s"}`, r.token)
	})
	return server.URL
}

// login logs in as joe, with a browser that agrees to everything.
func (p *person) login(args ...string) {
	p.t.Helper()
	cmd := p.command("step", append([]string{"ssh", "login", "joe@example.com", "--provisioner", "sso"}, args...)...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	var said strings.Builder
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if strings.HasPrefix(lines.Text(), "http://127.0.0.1:") {
			resp, err := http.Get(lines.Text())
			if err != nil || resp.StatusCode != http.StatusOK {
				p.t.Errorf("the browser: %v %v", resp, err)
			}
		}
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(said.String(), "✔ SSH Agent: yes\n") {
		p.t.Fatalf("step ssh login: %v\n%s", err, said.String())
	}
}

// The client works with the original server: a login at an OpenID provider, and
// all that is done with the certificate.
func TestReferenceServer(t *testing.T) {
	t.Parallel()
	needOpenSSH(t)
	r := newReference(t)
	p := &person{t: t, home: t.TempDir(), work: t.TempDir()}
	p.env = append(p.command("step").Environ(), "HOME="+p.home, "STEPPATH=", "STEP_OPEN_BROWSER=0", "STEP_CA_URL="+r.URL, "STEP_ROOT="+r.root)
	p.startAgent()
	p.login()
	const want = `"certType":"user","keyID":"joe@example.com","principals":["joe@example.com"],"validAfter":"-1m0s","validBefore":"","identityCSR":null}`
	if got := r.body("/ssh/sign"); !strings.HasSuffix(got, want) {
		t.Errorf("the body of /ssh/sign is %s, want it to end with %s", got, want)
	}
	got := p.step("ssh", "list", "--raw") // which is one line of one certificate
	if !strings.Contains(got, "-cert-v01@openssh.com ") || !strings.HasSuffix(got, " joe@example.com\n") || strings.Count(got, "\n") != 1 {
		t.Errorf("the agent holds %s", got)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"config", "--roots"}, line(r.user.PublicKey()) + "\n"},
		{[]string{"config", "--host", "--federation"}, line(r.host.PublicKey()) + "\n"},
		{[]string{"config"}, ""},
		{[]string{"hosts"}, "HOSTNAME\tID\tTAGS\nh1.local\t\t\n"},
		{[]string{"check-host", "-v", "h1.local"}, "true\n"},
	} {
		if got := p.step(append([]string{"ssh"}, tt.args...)...); got != tt.want {
			t.Errorf("step ssh %s prints %q, want %q", strings.Join(tt.args, " "), got, tt.want)
		}
	}
	if got := readFile(t, filepath.Join(p.home, ".step", "ssh", "known_hosts")); got != "@cert-authority * "+line(r.host.PublicKey())+"\n" {
		t.Errorf("known_hosts holds %q", got)
	}
	var body struct {
		Type string
		Data map[string]string
	}
	if err := json.Unmarshal([]byte(r.body("/ssh/config")), &body); err != nil || body.Type != "user" || body.Data["User"] != "joe@example.com" || body.Data["StepSSHTemplateVersion"] != "v2" {
		t.Errorf("the body of /ssh/config is %s", r.body("/ssh/config"))
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"krl", "revoked"}, "the certificate authority has no key revocation list"},
		{[]string{"proxycommand", "joe", "127.0.0.1", "1"}, "error connecting to 127.0.0.1:1"},
		{[]string{"check-host", "-v", "other"}, "false"},
		{[]string{"certificate", "--host", "h", "key", "--no-password", "--insecure", "--provisioner", "sshpop"}, "SSHPOP provisioners only renew, rekey and revoke"},
	} {
		out, err := p.command("step", append([]string{"ssh"}, tt.args...)...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), tt.want) {
			t.Errorf("step ssh %s: %v %s, want %q", strings.Join(tt.args, " "), err, out, tt.want)
		}
	}
}
