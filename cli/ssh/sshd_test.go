//go:build unix

package ssh_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestOpenSSH lets OpenSSH decide whether our certificates are good: a real sshd
// on a free port of loopback, run by the user of the test, and the real ssh.
func TestOpenSSH(t *testing.T) {
	t.Parallel()
	needOpenSSH(t)
	authority := newCA(t, nil)
	h := newHost(t, newPerson(t, authority))

	t.Run("a certificate is enough, and so is that of the host", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, authority)
		p.step("ssh", "certificate", "alice@example.com", "key", "-n", h.user, p.pw(), "--no-password", "--insecure", "--no-agent")
		if got := p.must(h.ssh(p, "-i", "key"), "echo it works"); got != "it works\n" {
			t.Errorf("ssh prints %q", got)
		}
	})
	for _, kind := range [][]string{{"EC", "P-384"}, {"EC", "P-521"}, {"OKP", "Ed25519"}, {"RSA", ""}} {
		t.Run("keys of type "+kind[0]+" "+kind[1], func(t *testing.T) {
			t.Parallel()
			p := newPerson(t, authority)
			args := []string{"ssh", "certificate", "alice", "key", "-n", h.user, p.pw(), "--no-password", "--insecure", "--no-agent", "--kty", kind[0]}
			if kind[1] != "" {
				args = append(args, "--crv", kind[1])
			}
			p.step(args...)
			p.must(h.ssh(p, "-i", "key"), "true")
		})
	}
	t.Run("another principal is refused", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, authority)
		p.step("ssh", "certificate", "alice@example.com", "key", "-n", h.user+"x", p.pw(), "--no-password", "--insecure", "--no-agent")
		p.refused(h.ssh(p, "-i", "key"), "Permission denied")
	})
	t.Run("a host certificate is none of a user", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, authority)
		p.step("ssh", "certificate", "--host", h.user, "key", p.pw(), "--no-password", "--insecure")
		p.refused(h.ssh(p, "-i", "key"), "Permission denied")
	})
	t.Run("an expired certificate is refused", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, authority)
		p.step("ssh", "certificate", "alice", "key", "-n", h.user, "--not-after", "1s", p.pw(), "--no-password", "--insecure", "--no-agent")
		time.Sleep(2 * time.Second) // the clock of sshd cannot be set
		p.refused(h.ssh(p, "-i", "key"), "Permission denied")
	})
	t.Run("a host of another name is not trusted", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, authority)
		p.step("ssh", "certificate", "alice", "key", "-n", h.user, p.pw(), "--no-password", "--insecure", "--no-agent")
		p.refused(h.ssh(p, "-i", "key", "-o", "HostKeyAlias=elsewhere"), "verification failed")
	})
	t.Run("a revoked certificate is refused", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, authority)
		for _, name := range []string{"good", "bad"} {
			p.step("ssh", "certificate", "alice", name, "-n", h.user, p.pw(), "--no-password", "--insecure", "--no-agent")
			p.must(h.ssh(p, "-i", name), "true")
		}
		p.step("ssh", "revoke", p.serial("bad-cert.pub"), p.pw())
		if got, want := p.step("ssh", "krl", h.file("revoked")), "RevokedKeys "+h.file("revoked")+"\n"; got != want {
			t.Errorf("step ssh krl prints %q, want %q", got, want)
		}
		p.refused(h.ssh(p, "-i", "bad"), "Permission denied")
		p.must(h.ssh(p, "-i", "good"), "true")
	})
	t.Run("the agent, a proxy command and nothing but step ssh config", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, authority)
		p.startAgent()
		p.step("ssh", "config", "--set", "User="+h.user, "--set", "Provisioner=admin")
		args := []string{"-F", filepath.Join(p.home, ".ssh", "config"), "-o", "BatchMode=yes", "-o", "AddressFamily=inet", "-p", h.port, "localhost"}
		// Without a terminal nobody can be asked for the password of the provisioner.
		p.refused(args, "error allocating terminal")
		p.step("ssh", "login", h.user, p.pw())
		if got := p.must(args, "echo $SSH_CONNECTION"); !strings.HasPrefix(got, "127.0.0.1 ") {
			t.Errorf("ssh prints %q", got)
		}
		p.write("batch", "put "+p.file("password.txt")+" "+h.file("uploaded")+"\n")
		p.run("sftp", "-F", filepath.Join(p.home, ".ssh", "config"), "-o", "AddressFamily=inet", "-b", p.file("batch"), "-P", h.port, "localhost")
		if got, err := os.ReadFile(h.file("uploaded")); err != nil || len(got) == 0 {
			t.Errorf("sftp uploaded %q, %v", got, err)
		}
		p.step("ssh", "logout", h.user)
		p.refused(args, "error allocating terminal")
	})
	t.Run("a host certificate is renewed under a running sshd", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, authority)
		h := newHost(t, p)
		p.step("ssh", "certificate", "alice", "key", "-n", h.user, p.pw(), "--no-password", "--insecure", "--no-agent")
		shown := func() string {
			return p.run("ssh", append(h.ssh(p, "-v", "-i", "key"), "true")...)
		}
		before := p.serial(h.file("host-cert.pub"))
		if got := shown(); !strings.Contains(got, "serial "+before+" ") {
			t.Errorf("the host does not show the certificate %s:\n%s", before, got)
		}
		p.step("ssh", "renew", "--force", h.file("host-cert.pub"), h.file("host"))
		after := p.serial(h.file("host-cert.pub"))
		if got := shown(); before == after || !strings.Contains(got, "serial "+after+" ") {
			t.Errorf("the host does not show the renewed certificate %s:\n%s", after, got)
		}
		p.step("ssh", "rekey", "--force", "--no-password", "--insecure", h.file("host-cert.pub"), h.file("host"))
		p.must(h.ssh(p, "-i", "key"), "true")
	})
	t.Run("a proxy command that logs in by itself", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, authority)
		p.startAgent()
		proxy := "ProxyCommand=step ssh proxycommand --provisioner admin " + p.pw() + " %r %h %p"
		for range 2 { // the second time it is logged in
			if got := p.must(h.ssh(p, "-o", proxy), "echo it works"); got != "it works\n" {
				t.Errorf("ssh prints %q", got)
			}
		}
		if got := p.step("ssh", "list"); strings.Count(got, "\n") != 1 || !strings.Contains(got, h.user+" (ECDSA-CERT)") {
			t.Errorf("the agent has %q", got)
		}
		p.refused(h.ssh(p, "-o", "ProxyCommand=step ssh proxycommand %r %h 1"), "connection refused")
	})
	t.Run("the agent forgets a certificate when it expires", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, authority)
		p.startAgent()
		p.step("ssh", "login", h.user, "--not-after", "4s", p.pw())
		for range 600 {
			if p.step("ssh", "list") == "The agent has no identities.\n" {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Error("it is there for longer than it is valid")
	})
	t.Run("a revoked host is refused", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, authority)
		h := newHost(t, p)
		p.step("ssh", "certificate", "alice", "key", "-n", h.user, p.pw(), "--no-password", "--insecure", "--no-agent")
		args := h.ssh(p, "-i", "key", "-o", "RevokedHostKeys="+p.file("revoked"))
		p.step("ssh", "krl", "revoked")
		p.must(args, "true")
		p.step("ssh", "revoke", "--sshpop-cert", h.file("host-cert.pub"), "--sshpop-key", h.file("host"))
		p.step("ssh", "krl", "revoked")
		p.refused(args, "Host key verification failed")
	})
}

// A certificate of --add-user runs the command that adds the user, whatever is
// asked for, and leads on to the host with the user's own certificate.
func TestAddUser(t *testing.T) {
	t.Parallel()
	needOpenSSH(t)
	dir := t.TempDir()
	authority := newCA(t, map[string]any{"addUserCommand": "sh " + dir + "/add <principal>"})
	p := newPerson(t, authority)
	principals := filepath.Join(dir, "principals")
	h := newHost(t, p, "AuthorizedPrincipalsFile "+principals)
	write(t, principals, "provisioner\n")
	write(t, filepath.Join(dir, "add"), "echo $1 >> "+principals+"\nexec nc -q0 127.0.0.1 "+h.port+"\n")

	p.step("ssh", "certificate", "carol@example.com", "key", "-n", "carol", "--add-user", p.pw(), "--no-password", "--insecure", "--no-agent")
	p.refused(h.ssh(p, "-i", "key"), "Permission denied") // carol is not there yet
	proxy := "ProxyCommand=ssh " + strings.Join(h.ssh(p, "-i", p.file("key-provisioner")), " ") + " false"
	if got := p.must(h.ssh(p, "-i", "key", "-o", proxy), "echo welcome"); got != "welcome\n" {
		t.Errorf("ssh prints %q", got)
	}
	p.must(h.ssh(p, "-i", "key"), "true")
}
