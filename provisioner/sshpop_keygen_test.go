package provisioner

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"stepca/jose"
)

// TestSSHPOPOpenSSH takes certificates that OpenSSH made, with keys of each kind
// for hosts and CAs.
func TestSSHPOPOpenSSH(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, "")
			dir := t.TempDir()
			keygen := func(args ...string) {
				t.Helper()
				cmd := exec.Command("ssh-keygen", args...)
				cmd.Dir = dir
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("ssh-keygen %s: %v\n%s", strings.Join(args, " "), err, out)
				}
			}
			read := func(name string) []byte { return must(os.ReadFile(filepath.Join(dir, name))) }
			publicKey := func(name string) ssh.PublicKey {
				key, _, _, _, err := ssh.ParseAuthorizedKey(read(name))
				if err != nil {
					t.Fatal(err)
				}
				return key
			}
			keygen("-q", "-t", kind, "-N", "", "-f", "ca")
			keygen("-q", "-t", kind, "-N", "", "-f", "host")
			keygen("-q", "-s", "ca", "-h", "-I", "id", "-n", "host.test", "-z", sshpopSerial,
				"-V", "20260101:20260201", "host.pub")

			key := must(ssh.ParseRawPrivateKey(read("host")))
			f.cfg.SSHHostKeys = []ssh.PublicKey{f.sshHost.PublicKey(), publicKey("ca.pub")}
			f.Collection = f.collect(`{"type":"SSHPOP","name":"sshpop"}`)
			crt := publicKey("host-cert.pub").(*ssh.Certificate)
			token := must(jose.SignClaims(f.sshpopClaims("renew"), key, jose.SignOptions{
				Header: map[string]any{"sshpop": base64.StdEncoding.EncodeToString(crt.Marshal())},
			}))
			grant, err := f.sshOperation("renew", token, records{})
			if err != nil {
				t.Fatal(err)
			}
			if got := grant.SSH.Renew.ValidPrincipals; len(got) != 1 || got[0] != "host.test" {
				t.Errorf("principals = %q", got)
			}
		})
	}
}
