package template

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"stepca/ca"
)

func sshKey(t testing.TB) ssh.Signer {
	t.Helper()
	signer, err := ssh.NewSignerFromSigner(newSigner(t))
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// TestCompiledSSH proves the compiled built-in templates equal to their texts.
func TestCompiledSSH(t *testing.T) {
	t.Parallel()
	data := []SSHData{
		{},
		{Type: ca.SSHUser, KeyID: `a "b" <c>`, Principals: []string{"alice", "alice@x"}, Extensions: ca.SSHUserExtensions()},
		{Type: ca.SSHHost, KeyID: "h", Principals: []string{"h.example"}, CriticalOptions: map[string]string{"force-command": "ls && <x>"}},
	}
	requests := []SSHRequest{
		{},
		{Type: "user", KeyID: "k", Principals: []string{"p", "q"}},
		{Type: "USER", Principals: []string{}},
		{Type: "host", KeyID: "h", Principals: []string{"h"}},
		{Type: "other"},
	}
	for _, name := range []string{ca.TemplateSSH, ca.TemplateSSHAdmin, ca.TemplateSSHIID, ca.TemplateSSHRequest} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compiled, err := DefaultSSH(name)
			if err != nil {
				t.Fatal(err)
			}
			text, err := ParseSSH(sshDefaults[name].text)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range data {
				for _, d.CR = range requests {
					got, gotErr := compiled.Render(&d)
					want, wantErr := text.Render(&d)
					if (gotErr == nil) != (wantErr == nil) || gotErr != nil && gotErr.Error() != wantErr.Error() {
						t.Fatalf("compiled template: %v, its text: %v", gotErr, wantErr)
					}
					if diff := cmp.Diff(sshView(t, want), sshView(t, got)); diff != "" {
						t.Errorf("compiled template differs from its text for %+v:\n%s", d, diff)
					}
				}
			}
		})
	}
}

// sshView is what reaches the signer: the wire form tells nil from empty as
// little as it should.
func sshView(t *testing.T, c *SSHCertificate) string {
	t.Helper()
	if c == nil {
		return ""
	}
	cert := c.SSH()
	view, err := json.Marshal([]any{cert.CertType, cert.KeyId, len(cert.ValidPrincipals), strings.Join(cert.ValidPrincipals, ","),
		len(cert.Extensions), cert.Extensions["permit-pty"], len(cert.CriticalOptions), cert.CriticalOptions["force-command"]})
	if err != nil {
		t.Fatal(err)
	}
	return string(view)
}

// ssh-keygen reads what a template wrote.
func TestSSHWithOpenSSH(t *testing.T) {
	t.Parallel()
	keygen, err := exec.LookPath("ssh-keygen")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("ssh-keygen is missing")
		}
		t.Skip("ssh-keygen is missing")
	}
	tmpl, err := ParseSSH(`{"type": {{ toJson .Type | upper }}, "keyId": {{ toJson .KeyID }}, "principals": {{ toJson (append .Principals .Token.sub) }},
		"extensions": {{ toJson (unset .Extensions "permit-pty") }}, "criticalOptions": {"force-command": {{ toJson .Insecure.User.cmd }}},
		"serial": 18446744073709551615, "validAfter": "2024-01-02T03:04:05Z", "validBefore": "2034-01-02T03:04:05Z"}`)
	if err != nil {
		t.Fatal(err)
	}
	rendered, err := tmpl.Render(&SSHData{
		Type: ca.SSHUser, KeyID: "id", Principals: []string{"alice"}, Extensions: ca.SSHUserExtensions(),
		Values: map[string]any{"Token": map[string]any{"sub": "bob"}},
		User:   json.RawMessage(`{"cmd": "ls"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	cert := rendered.SSH()
	cert.Key = sshKey(t).PublicKey()
	if err := cert.SignCert(rand.Reader, sshKey(t)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "id-cert.pub")
	if err := os.WriteFile(file, ssh.MarshalAuthorizedKey(cert), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(keygen, "-L", "-f", file)
	cmd.Env = append(os.Environ(), "TZ=UTC")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	for _, want := range []string{"user certificate", `Key ID: "id"`, "Serial: 18446744073709551615", "from 2024-01-02T03:04:05 to 2034-01-02T03:04:05",
		"alice", "bob", "force-command ls", "permit-X11-forwarding", "permit-user-rc"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("ssh-keygen does not show %q:\n%s", want, out)
		}
	}
	if strings.Contains(string(out), "permit-pty") {
		t.Errorf("ssh-keygen shows permit-pty:\n%s", out)
	}
}

func TestSSHOutputErrors(t *testing.T) {
	t.Parallel()
	for output, want := range map[string]string{
		`{}`:                                       "unknown certificate type ''",
		`{"type": "x"}`:                            "unknown certificate type 'x'",
		`{"type": "user", "principals": "a"}`:      "cannot unmarshal string",
		`{"type": "user", "serial": -1}`:           "cannot unmarshal number",
		`{"type": "user", "nonce": "?"}`:           "base64",
		`{"type": "user", "extensions": {"a": 1}}`: "cannot unmarshal number",
		`{"type": "user", "validAfter": "1960-01-01T00:00:00Z"}`: "before 1970",
	} {
		_, err := ParseSSHCertificate([]byte(output))
		if _, ok := errors.AsType[*OutputError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseSSHCertificate(%s) = %v, want an OutputError with %q", output, err, want)
		}
	}
}

func TestSSHTemplateDataShadowsDefaults(t *testing.T) {
	t.Parallel()
	tmpl, err := DefaultSSH(ca.TemplateSSH)
	if err != nil {
		t.Fatal(err)
	}
	c, err := tmpl.Render(&SSHData{Type: ca.SSHUser, Values: map[string]any{"Principals": []any{"ops"}}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ops"}, c.Principals); diff != "" {
		t.Error(diff)
	}
}

func FuzzParseSSHCertificate(f *testing.F) {
	f.Add([]byte(`{"type":"user","keyId":"a","principals":["b"],"extensions":{"x":""},"validAfter":"2024-01-02T03:04:05Z","nonce":"AA=="}`))
	f.Fuzz(func(t *testing.T, output []byte) {
		c, err := ParseSSHCertificate(output)
		if err != nil {
			return
		}
		if cert := c.SSH(); cert.CertType != ssh.UserCert && cert.CertType != ssh.HostCert {
			t.Errorf("certificate type %d", cert.CertType)
		}
	})
}
