//go:build unix

package ssh_test

import (
	"context"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"stepca/internal/cleanenv"
	"stepca/internal/freeport"
	"stepca/keyfile"
)

// TestDocs types the commands of docs/ssh.md: what is in its blocks of sh, and the
// programs of its systemd units, in their order. Only names, ports and the
// directory /etc/ssh are others, and programs that belong to the system are
// scripts: see machines.
func TestDocs(t *testing.T) {
	t.Parallel()
	needOpenSSH(t)
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "ssh.md"))
	if err != nil {
		t.Fatal(err)
	}
	m := newMachines(t)
	m.install(t)
	script := m.script(t, string(text))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", script)
	cmd.Env = m.environ(t)
	cmd.Dir = m.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a script that hangs ends with all that it has started
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"SSH Agent: yes", "from the host\n", "Permission denied (publickey", "has been revoked.", "RevokedKeys " + m.etc + "/revoked_keys",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the output has no %q:\n%s", want, out)
		}
	}
	// Everything was taken back.
	for _, name := range []string{filepath.Join(m.home("user"), ".ssh", "config"), filepath.Join(m.etc, "ca.pub")} {
		if _, err := os.Stat(name); err == nil {
			t.Errorf("%s is still there", name)
		}
	}
}

// machines are the three of docs/ssh.md, each a home directory here.
type machines struct {
	dir, etc        string // etc stands for /etc/ssh
	caPort, sshPort string
	user            string
}

func newMachines(t *testing.T) *machines {
	t.Helper()
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	m := &machines{dir: dir, etc: filepath.Join(dir, "etc"), caPort: strconv.Itoa(freeport.Port(t)), sshPort: strconv.Itoa(freeport.Port(t)), user: who.Username}
	for _, name := range []string{m.etc, filepath.Join(dir, "bin"), m.home("ca"), m.home("host"), m.home("user")} {
		if err := os.Mkdir(name, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func (m *machines) home(name string) string { return filepath.Join(m.dir, name) }

// install starts the host's sshd, as it is before somebody reads the page, and
// makes the programs of the system.
func (m *machines) install(t *testing.T) {
	t.Helper()
	key, err := keyfile.Generate(keyfile.KeySpec{Type: keyfile.OKP})
	if err != nil {
		t.Fatal(err)
	}
	private, err := keyfile.EncodePrivateKey(key, keyfile.OpenSSH, nil)
	if err != nil {
		t.Fatal(err)
	}
	public, err := keyfile.EncodeAuthorizedKey(key.Public(), "")
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(m.etc, "sshd_config")
	write(t, filepath.Join(m.etc, "ssh_host_ed25519_key"), string(private))
	write(t, filepath.Join(m.etc, "ssh_host_ed25519_key.pub"), string(public))
	write(t, config, "ListenAddress 127.0.0.1:"+m.sshPort+"\nHostKey "+m.etc+"/ssh_host_ed25519_key\nForceCommand echo from the host\n"+onlyKeys)
	sshd, log := startSSHD(t, config, m.sshPort)
	programs := map[string]string{
		// The user's own ssh has another home directory than the test's.
		"ssh":  `exec ` + path(t, "ssh") + ` -F "$HOME/.ssh/config" -p ` + m.sshPort + ` -o AddressFamily=inet -o BatchMode=yes "$@"`,
		"sshd": `exec ` + path(t, "sshd") + ` -f ` + config + ` "$@"`,
		// It has read its configuration when it listens again.
		"systemctl": `starts() { grep -c "Server listening" ` + log + `; }
before=$(starts)
kill -HUP ` + strconv.Itoa(sshd.Pid) + `
for i in $(seq 600); do
	test $(starts) -gt $before && exit
	sleep 0.1
done
exit 1`,
	}
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(executable, filepath.Join(m.dir, "bin", "step-ca")); err != nil { // see TestMain
		t.Fatal(err)
	}
	for name, text := range programs {
		name = filepath.Join(m.dir, "bin", name)
		write(t, name, "#!/bin/sh\n"+text+"\n")
		if err := os.Chmod(name, 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

func path(t *testing.T, name string) string {
	t.Helper()
	path, err := lookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (m *machines) environ(t *testing.T) []string {
	t.Helper()
	socket, stop, err := runAgent()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return append(cleanenv.Environ(), "STEPPATH=", "PATH="+filepath.Join(m.dir, "bin")+":"+os.Getenv("PATH"), "AGENT="+socket)
}

var (
	docBlock = regexp.MustCompile("(?ms)^```(sh|ini)\n(.*?)^```$")
	unitExec = regexp.MustCompile(`(?m)^Exec(?:Condition|Start)=/usr/bin/(.*)$`)
)

// script is the page as a program for the shell.
func (m *machines) script(t *testing.T, text string) string {
	t.Helper()
	names := strings.NewReplacer(
		"https://ca.example.com", "https://localhost:"+m.caPort,
		"--address :443", "--address 127.0.0.1:"+m.caPort,
		"ca.example.com", "localhost",
		"server.example.com", "localhost",
		"*.example.com", "*",
		"/etc/ssh", m.etc,
		"step-ca $(step path)", "sed -i.old 's#/etc/ssh#'"+m.etc+"'#g' $(step path)/config/ca.json $(step path)/templates/ssh/*.tpl\nstep-ca $(step path)",
		"alice", m.user,
		// What a person does, or waits for.
		"step ca health\n", "for i in $(seq 300); do step ca health && break; sleep 0.2; done\n",
		" # Permission denied\n", " && exit 1\n",
	)
	b := new(strings.Builder)
	b.WriteString("set -eu\nca=\ntrap 'test -z \"$ca\" || kill $ca' EXIT\n")
	actors := map[string]string{
		"# on the authority":     m.enter("ca", ""),
		"# on the host, as root": m.enter("host", ""),
		"# as the user":          m.enter("user", "export SSH_AUTH_SOCK=$AGENT STEP_PROVISIONER_PASSWORD_FILE="+m.home("ca")+"/admin.txt\n"),
	}
	seen := make(map[string]bool)
	for _, block := range docBlock.FindAllStringSubmatch(text, -1) {
		if block[1] == "ini" {
			for _, exec := range unitExec.FindAllStringSubmatch(block[2], -1) {
				command := strings.ReplaceAll(exec[1], "%%", "%")
				if strings.Contains(command, "needs-renewal") {
					command += " || test $? = 1" // it is new
				}
				b.WriteString(actors["# on the host, as root"] + names.Replace(command) + "\n")
			}
			continue
		}
		who, commands, _ := strings.Cut(block[2], "\n")
		enter, ok := actors[who]
		if !ok {
			t.Fatalf("a block of docs/ssh.md begins with %q, which is none of the machines", who)
		}
		seen[who] = true
		b.WriteString(enter + names.Replace(commands))
		if strings.Contains(commands, "step ca init") {
			b.WriteString("ca=$!\n")
		}
	}
	if len(seen) != len(actors) {
		t.Fatalf("docs/ssh.md has commands for %v only", seen)
	}
	return b.String()
}

// enter are the commands that make the shell one on another machine.
func (m *machines) enter(name, more string) string {
	return "unset STEP_PROVISIONER_PASSWORD_FILE SSH_AUTH_SOCK\nexport HOME=" + m.home(name) + "\ncd $HOME\n" + more
}
