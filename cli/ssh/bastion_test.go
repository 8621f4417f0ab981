//go:build unix

package ssh_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBastion looks at what ssh is told when the CA knows a bastion, with a
// program in its place.
func TestBastion(t *testing.T) {
	t.Parallel()
	needOpenSSH(t)
	p := newPerson(t, newCA(t, map[string]any{"bastion": map[string]any{
		"hostname": "bastion.invalid", "user": "jump", "port": "2222", "flags": "-v", "cmd": "nc -w 9 %h %p",
	}}))
	p.startAgent()
	p.step("ssh", "login", "alice", p.pw())
	p.write("ssh", "#!/bin/sh\nprintf '<%s> ' \"$@\"\ncat\nexit 7\n")
	if err := os.Chmod(p.file("ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.env = append(p.env, "PATH="+p.work+string(filepath.ListSeparator)+os.Getenv("PATH"))

	cmd := p.command("step", "ssh", "proxycommand", "alice", "other.invalid", "22")
	cmd.Stdin = strings.NewReader("from standard input")
	out, err := cmd.Output()
	const want = "<-l> <jump> <-p> <2222> <-v> <--> <bastion.invalid> <nc -w 9 other.invalid 22> from standard input"
	if string(out) != want {
		t.Errorf("ssh gets %s, want %s", out, want)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 7 {
		t.Errorf("error %v, want the exit code of ssh, 7", err)
	}

	// The bastion itself is reached directly: nobody listens there.
	out, err = p.command("step", "ssh", "proxycommand", "alice", "bastion.invalid", "22").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "error connecting to bastion.invalid:22") {
		t.Errorf("connecting to the bastion: %v %s", err, out)
	}
	out, err = p.command("step", "ssh", "proxycommand", "alice", "h;reboot", "22").CombinedOutput()
	if err == nil || !strings.Contains(string(out), `"h;reboot" cannot be used`) {
		t.Errorf("a host name with a command in it: %v %s", err, out)
	}
}

// TestJump goes to a host by way of another, as OpenSSH and its agent do it.
func TestJump(t *testing.T) {
	t.Parallel()
	needOpenSSH(t)
	dir := t.TempDir()
	config, mark := filepath.Join(dir, "config"), filepath.Join(dir, "mark")
	p := newPerson(t, newCA(t, map[string]any{"bastion": map[string]any{
		"hostname": "bastion", "flags": "-F " + config, "cmd": "echo %r %h >> " + mark + "; nc %h %p",
	}}))
	bastion, target := newHost(t, p), newHost(t, p)
	write(t, config, "Host bastion\nHostname localhost\nHostKeyAlias localhost\nPort "+bastion.port+"\nUser "+bastion.user+"\n"+
		strings.ReplaceAll(strings.Join(p.options(), "\n"), "-o\n", ""))
	p.startAgent()
	p.step("ssh", "login", target.user, p.pw())
	args := target.ssh(p, "-o", "ProxyCommand=step ssh proxycommand %r %h %p")
	if got := p.must(args, "echo arrived"); got != "arrived\n" {
		t.Errorf("ssh prints %q", got)
	}
	got, err := os.ReadFile(mark)
	if want := target.user + " localhost\n"; err != nil || string(got) != want {
		t.Errorf("the bastion was asked for %q, %v, want %q", got, err, want)
	}
	p.step("ssh", "logout")
	p.refused(args, "error allocating terminal")
}
