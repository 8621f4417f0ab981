//go:build unix

package ssh_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"stepca/internal/cleanenv"
	"stepca/internal/freeport"
)

// needOpenSSH skips the test where a program of OpenSSH is missing, or fails it
// where none may be.
func needOpenSSH(t *testing.T) {
	t.Helper()
	for _, name := range []string{"ssh", "sshd", "ssh-keygen", "ssh-agent", "sftp", "nc"} {
		if _, err := lookPath(name); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
}

// lookPath finds programs of administrators too.
func lookPath(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return exec.LookPath(filepath.Join("/usr/sbin", name))
}

// A person has a home directory, a working directory, and step.
type person struct {
	t          *testing.T
	home, work string
	env        []string
}

func newPerson(t *testing.T, authority *sshCA) *person {
	t.Helper()
	p := &person{t: t, home: t.TempDir(), work: t.TempDir()}
	if err := bootstrap(p.work, p.home, authority); err != nil {
		t.Fatal(err)
	}
	p.env = append(cleanenv.Environ(), "HOME="+p.home, "SSH_AUTH_SOCK=", "STEPPATH=")
	p.write("known_hosts", "@cert-authority * "+authority.hostKey+"\n")
	return p
}

func (p *person) startAgent() {
	p.t.Helper()
	socket, stop, err := runAgent()
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(stop)
	p.env = append(p.env, "SSH_AUTH_SOCK="+socket)
}

func (p *person) file(name string) string { return filepath.Join(p.work, name) }

func (p *person) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(p.file(name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// pw is the flag for the password of the provisioner, which is chosen with it.
func (p *person) pw() string { return "--provisioner-password-file=" + p.file("password.txt") }

// command is one that the person runs.
func (p *person) command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(p.t.Context(), name, args...)
	cmd.Dir, cmd.Env = p.work, p.env
	return cmd
}

// step runs step, with the provisioner "admin" wherever one has its password,
// and returns what it prints.
func (p *person) step(args ...string) string {
	p.t.Helper()
	for _, arg := range args {
		if strings.HasPrefix(arg, "--provisioner-password-file=") {
			args = append(args, "--provisioner=admin")
			break
		}
	}
	cmd := p.command("step", args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("step %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// run runs a program and returns all that it prints.
func (p *person) run(name string, args ...string) string {
	p.t.Helper()
	out, err := p.command(name, args...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// must runs a command over ssh and returns what it prints.
func (p *person) must(ssh []string, command string) string {
	p.t.Helper()
	cmd := p.command("ssh", append(ssh, command)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("ssh: %v\n%s", err, stderr.String())
	}
	return string(out)
}

// refused wants ssh to fail for a reason.
func (p *person) refused(ssh []string, why string) {
	p.t.Helper()
	out, err := p.command("ssh", append(ssh, "true")...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), why) {
		p.t.Errorf("ssh: %v, want %q\n%s", err, why, out)
	}
}

// serial is the serial number of a certificate.
func (p *person) serial(name string) string {
	p.t.Helper()
	_, rest, _ := strings.Cut(p.step("ssh", "inspect", name), "Serial: ")
	number, _, ok := strings.Cut(rest, "\n")
	if !ok {
		p.t.Fatalf("%s has no serial number", name)
	}
	return number
}

// A host is an sshd with a certificate for localhost, which lets in nobody
// without a certificate. More lines go into its configuration.
type host struct{ dir, port, user string }

func newHost(t *testing.T, admin *person, more ...string) *host {
	t.Helper()
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	h := &host{dir: t.TempDir(), port: strconv.Itoa(freeport.Port(t)), user: who.Username}
	admin.step("ssh", "certificate", "--host", "localhost", h.file("host"), admin.pw(), "--no-password", "--insecure")
	admin.step("ssh", "krl", h.file("revoked"))
	write(t, h.file("ca.pub"), admin.step("ssh", "config", "--roots"))
	write(t, h.file("sshd_config"), fmt.Sprintf(`ListenAddress 127.0.0.1:%[2]s
HostKey %[1]s/host
HostCertificate %[1]s/host-cert.pub
TrustedUserCAKeys %[1]s/ca.pub
RevokedKeys %[1]s/revoked
%[3]s%[4]s`, h.dir, h.port, onlyKeys, strings.Join(more, "\n")))
	startSSHD(t, h.file("sshd_config"), h.port)
	return h
}

// onlyKeys is the rest of a configuration for tests.
const onlyKeys = `AuthorizedKeysFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
UsePAM no
StrictModes no
PidFile none
MaxStartups 100
Subsystem sftp internal-sftp
`

func (h *host) file(name string) string { return filepath.Join(h.dir, name) }

// ssh are arguments of ssh that take nothing from the machine of the test. The
// command is still to follow.
func (h *host) ssh(p *person, more ...string) []string {
	args := append([]string{"-F", "none", "-p", h.port, "-l", h.user}, p.options()...)
	return append(append(args, more...), "localhost")
}

// options make ssh trust the hosts of the authority only, and ask nobody.
func (p *person) options() []string {
	return []string{
		"-o", "BatchMode=yes", "-o", "AddressFamily=inet", "-o", "StrictHostKeyChecking=yes",
		"-o", "UserKnownHostsFile=" + p.file("known_hosts"), "-o", "GlobalKnownHostsFile=none",
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	// A program cannot be run while a child that was forked meanwhile has it open for writing.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// startSSHD runs sshd until the test ends, and returns its process and its log.
func startSSHD(t *testing.T, config, port string) (*os.Process, string) {
	t.Helper()
	sshd, err := lookPath("sshd")
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		// As root, sshd wants an empty directory, which the start of a system makes.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"-f", config}
	// Newer ones shut out an address that is refused a few times, and all persons of
	// a test have the same.
	if exec.Command(sshd, "-t", "-f", config, "-o", "PerSourcePenalties=no").Run() == nil {
		args = append(args, "-o", "PerSourcePenalties=no")
	}
	log, err := os.Create(config + ".log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(sshd, append(args, "-D", "-e")...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("sshd on port %s:\n%s", port, text)
		}
	})
	if !listens("tcp", "127.0.0.1:"+port) {
		t.Fatal("sshd does not listen")
	}
	return cmd.Process, log.Name()
}
