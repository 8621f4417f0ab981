//go:build unix

package ssh_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepca/jose"
	"stepca/keyfile"
)

// When the keys of the CA are replaced, and the old ones stay in ssh.keys, running
// step ssh config again is enough: hosts and users with certificates of either
// key find each other.
func TestKeyRoll(t *testing.T) {
	t.Parallel()
	needOpenSSH(t)
	authority := newCA(t, nil)
	p := newPerson(t, authority)
	p.startAgent()
	old := newHost(t, p)
	p.step("ssh", "certificate", "alice", "key", "-n", old.user, p.pw(), "--no-password", "--insecure", "--no-agent")
	p.step("ssh", "config", "--set", "User="+old.user)
	known := filepath.Join(p.home, ".step", "ssh", "known_hosts")
	before := readFile(t, known)

	cfg := authority.ReadConfig()
	ssh := cfg["ssh"].(map[string]any)
	pub, err := keyfile.LoadPublicKey(filepath.Join(authority.Dir, "ssh_user_ca_key"), keyfile.Password{})
	if err != nil {
		t.Fatal(err)
	}
	// In either form that a key may have.
	ssh["keys"] = []any{map[string]any{"type": "host", "key": authority.hostKey}, map[string]any{"type": "user", "key": &jose.JWK{Key: pub}}}
	for _, kind := range []string{"host", "user"} {
		name := filepath.Join(authority.Dir, "new_"+kind)
		writeKey(t, name)
		ssh[kind+"Key"] = name
	}
	authority.WriteConfig(cfg)
	if err := authority.Server.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}

	p.step("ssh", "config", "--set", "User="+old.user)
	after := readFile(t, known)
	if !strings.Contains(after, before) || strings.Count(after, "@cert-authority") != 2 {
		t.Errorf("known_hosts was\n%s\nand is\n%s\nwant the new key besides", before, after)
	}
	p.write("known_hosts", after)
	young := newHost(t, p) // with certificate and keys of now
	p.step("ssh", "certificate", "alice", "newkey", "-n", old.user, p.pw(), "--no-password", "--insecure", "--no-agent")
	write(t, old.file("ca.pub"), p.step("ssh", "config", "--roots"))
	for _, h := range []*host{old, young} {
		for _, key := range []string{"key", "newkey"} {
			p.must(h.ssh(p, "-i", key), "true")
		}
	}
	p.step("ssh", "renew", "--force", old.file("host-cert.pub"), old.file("host"))
}

// writeKey makes a private key.
func writeKey(t *testing.T, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text, err := keyfile.EncodePrivateKey(key, keyfile.PKCS8, nil)
	if err != nil {
		t.Fatal(err)
	}
	write(t, name, string(text))
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
