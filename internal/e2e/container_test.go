//go:build unix

package e2e

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"stepca/internal/freeport"
)

// TestContainerFirstStart: an empty volume and two variables give a CA that serves,
// tells its password once, and is the same CA at the next start.
func TestContainerFirstStart(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	address := freeport.Address(t)
	start := func() *process {
		cmd := exec.Command(caProgram)
		cmd.Env = append(environment(u.file("step")), "DOCKER_STEPCA_INIT_NAME=Boxed", "DOCKER_STEPCA_INIT_DNS_NAMES=localhost,127.0.0.1",
			"DOCKER_STEPCA_INIT_ADDRESS="+address, "DOCKER_STEPCA_INIT_PROVISIONER_NAME=ops")
		p := launchWith(t, cmd)
		p.expect("Serving HTTPS on ")
		return p
	}
	p := start()
	said := p.out.String()
	password := regexp.MustCompile(`(?m)^👉 Your CA administrative password is: (\S+)$`).FindStringSubmatch(said)
	if password == nil || !strings.Contains(said, "🤫 This will only be displayed once.") {
		t.Fatalf("no password in\n%s", said)
	}
	writeFile(t, u.dir, "password", []byte(password[1]))
	first, _ := u.succeeds("certificate", "fingerprint", "step/certs/root_ca.crt")
	u.succeeds("ca", "certificate", "a.example.com", "a.crt", "a.key", "--provisioner", "ops", "--provisioner-password-file", "password", "--ca-url", "https://"+address, "--root", "step/certs/root_ca.crt")
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	p = start()
	if second, _ := u.succeeds("certificate", "fingerprint", "step/certs/root_ca.crt"); second != first || strings.Contains(p.out.String(), "password is:") {
		t.Errorf("the second start made another CA or told a password:\n%s", p.out.String())
	}
	u.succeeds("ca", "renew", "--force", "a.crt", "a.key", "--ca-url", "https://"+address, "--root", "step/certs/root_ca.crt")
}
