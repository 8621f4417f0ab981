//go:build unix

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"stepca/internal/freeport"
)

// A user is somebody with a step path of their own, who runs step in it.
type user struct {
	t   *testing.T
	dir string
}

func newUser(t *testing.T) *user { return &user{t, t.TempDir()} }

func (u *user) file(name string) string { return filepath.Join(u.dir, name) }

// step runs the client without a terminal.
func (u *user) step(args ...string) (stdout, stderr string, code int) {
	u.t.Helper()
	cmd := exec.Command(stepProgram, args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = u.dir, environment(u.file("step")), noTerminal()
	return run(u.t, cmd)
}

// succeeds runs the client, which must, and returns what it wrote.
func (u *user) succeeds(args ...string) (stdout, stderr string) {
	u.t.Helper()
	stdout, stderr, code := u.step(args...)
	if code != 0 {
		u.t.Fatalf("step %s: exit code %d\n%s%s", strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout, stderr
}

// fails runs the client, which must with the code, nothing on stdout and all of
// the texts on stderr.
func (u *user) fails(code int, texts []string, args ...string) {
	u.t.Helper()
	stdout, stderr, got := u.step(args...)
	if got != code || stdout != "" {
		u.t.Errorf("step %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, stdout, stderr)
	}
	for _, text := range texts {
		if !strings.Contains(stderr, text) {
			u.t.Errorf("step %s: %q is not in\n%s", strings.Join(args, " "), text, stderr)
		}
	}
}

// wantText checks that a text matches a regular expression.
func wantText(t *testing.T, what, text, pattern string) {
	t.Helper()
	if !regexp.MustCompile(pattern).MatchString(text) {
		t.Errorf("%s: nothing like %s in\n%s", what, pattern, text)
	}
}

// newAuthority makes a CA as people do, with step ca init, and starts it. The
// password of all keys is in the file password.
func newAuthority(t *testing.T) (operator *user, p *process, address string) {
	t.Helper()
	operator = newUser(t)
	address = freeport.Address(t)
	writeFile(t, operator.dir, "password", []byte("secret\n"))
	stdout, stderr := operator.succeeds("ca", "init", "--name", "Smallhouse", "--dns", "localhost", "--dns", "127.0.0.1", "--address", address,
		"--provisioner", "admin", "--deployment-type", "standalone", "--password-file", "password")
	if stdout != "" {
		t.Errorf("step ca init wrote to stdout: %s", stdout)
	}
	wantText(t, "step ca init", stderr, `(?m)^✔ Root fingerprint: [0-9a-f]{64}$`)
	wantText(t, "step ca init", stderr, `(?m)^✔ Root certificate: .*/certs/root_ca\.crt$`)
	wantText(t, "step ca init", stderr, `(?m)^✔ Certificate Authority configuration: .*/config/ca\.json$`)
	wantText(t, "step ca init", stderr, `(?m)^Your PKI is ready to go\.`)
	cmd := exec.Command(caProgram, operator.file("step/config/ca.json"), "--password-file", operator.file("password"))
	cmd.Env = environment(operator.file("step"))
	p = launchWith(t, cmd)
	p.expect("Serving HTTPS on " + address + " ...")
	return operator, p, address
}

// TestFirstTenMinutes is what a new user does, with the outputs that scripts and
// guides rely on.
func TestFirstTenMinutes(t *testing.T) {
	t.Parallel()
	operator, p, address := newAuthority(t)
	_, port, _ := strings.Cut(address, ":")
	url := "https://localhost:" + port
	fingerprint, stderr := operator.succeeds("certificate", "fingerprint", "step/certs/root_ca.crt")
	wantText(t, "fingerprint", fingerprint, `^[0-9a-f]{64}\n$`)
	fingerprint = strings.TrimSpace(fingerprint)
	if stderr != "" {
		t.Errorf("step certificate fingerprint wrote to stderr: %s", stderr)
	}
	p.expect("X.509 Root Fingerprint: " + fingerprint)
	p.expect("The primary server URL is " + url)

	u := newUser(t)
	writeFile(t, u.dir, "password", []byte("secret\n"))
	wrong := strings.Repeat("0", 64)
	u.fails(1, []string{fmt.Sprintf("root certificate with fingerprint %q was not found", wrong)}, "ca", "bootstrap", "--ca-url", url, "--fingerprint", wrong)
	_, stderr = u.succeeds("ca", "bootstrap", "--ca-url", url, "--fingerprint", fingerprint)
	wantText(t, "bootstrap", stderr, `The root certificate has been saved in .*/certs/root_ca\.crt\.`)
	wantText(t, "bootstrap", stderr, `The authority configuration has been saved in .*/config/defaults\.json\.`)
	if stdout, stderr := u.succeeds("ca", "health"); stdout != "ok\n" || stderr != "" {
		t.Errorf("step ca health: %q, %q", stdout, stderr)
	}
	stdout, _ := u.succeeds("ca", "provisioner", "list")
	wantText(t, "provisioner list", stdout, `(?m)^      "name": "admin",$`)
	wantText(t, "provisioner list", stdout, `^\[\n   \{\n      "type": "JWK",\n      "name": "admin",\n      "key": \{\n         "use": "sig",`)

	u.certificates(url)
	u.misfortunes(url)

	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	u.fails(1, []string{"client GET " + url + "/health failed: "}, "ca", "health")
}

// certificates gets, reads, renews and revokes one.
func (u *user) certificates(url string) {
	t := u.t
	stdout, stderr := u.succeeds("ca", "certificate", "svc.example.com", "svc.crt", "svc.key", "--provisioner", "admin", "--provisioner-password-file", "password")
	if stdout != "" {
		t.Errorf("step ca certificate wrote to stdout: %s", stdout)
	}
	for _, line := range []string{`✔ CA: ` + url, `✔ Certificate: svc\.crt`, `✔ Private Key: svc\.key`} {
		wantText(t, "step ca certificate", stripColors(stderr), `(?m)^`+line+`$`)
	}
	if info, err := os.Stat(u.file("svc.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info.Mode(), err)
	}
	first := u.serial("svc.crt")
	stdout, _ = u.succeeds("certificate", "inspect", "--short", "svc.crt")
	wantText(t, "inspect --short", stdout, `^X\.509v3 TLS Certificate \(ECDSA P-256\) \[Serial: [0-9]{4}\.\.\.[0-9]{4}\]\n  Subject:     svc\.example\.com\n  Issuer:      Smallhouse Intermediate CA\n  Provisioner: admin \[ID: \S{4}\.\.\.\S{4}\]\n  Valid from:  \S+Z\n          to:  \S+Z\n$`)
	stdout, _ = u.succeeds("certificate", "inspect", "svc.crt")
	wantText(t, "inspect", stdout, `Serial Number: `+first)
	u.succeeds("certificate", "verify", "svc.crt", "--roots", "step/certs/root_ca.crt")

	for file, want := range map[string]int{"svc.crt": 1, "nothing.crt": 2} {
		if stdout, _, code := u.step("certificate", "needs-renewal", file); code != want || stdout != "" {
			t.Errorf("needs-renewal %s: exit code %d %s", file, code, stdout)
		}
	}
	if _, _, code := u.step("certificate", "needs-renewal", "svc.crt", "--expires-in", "0%"); code != 0 {
		t.Errorf("needs-renewal --expires-in 0%%: exit code %d", code)
	}
	if _, stderr := u.succeeds("ca", "renew", "--force", "svc.crt", "svc.key"); stderr != "Your certificate has been saved in svc.crt.\n" {
		t.Errorf("step ca renew: %q", stderr)
	}
	second := u.serial("svc.crt")
	if second == first {
		t.Error("renewing changed nothing")
	}
	if _, stderr := u.succeeds("ca", "renew", "--force", "--mtls=false", "svc.crt", "svc.key"); stderr != "Your certificate has been saved in svc.crt.\n" {
		t.Errorf("step ca renew --mtls=false: %q", stderr)
	}
	third := u.serial("svc.crt")
	_, stderr = u.succeeds("ca", "revoke", "--cert", "svc.crt", "--key", "svc.key")
	wantText(t, "step ca revoke", stderr, `Certificate with Serial Number `+third+` has been revoked\.`)
	u.fails(1, []string{"The request lacked necessary authorization to be completed. Please see the certificate authority logs for more info.", "Re-run with STEPDEBUG=1 for more info."},
		"ca", "renew", "--force", "svc.crt", "svc.key")
	_, stderr = u.succeeds("ca", "revoke", second, "--provisioner", "admin", "--provisioner-password-file", "password")
	wantText(t, "step ca revoke <serial>", stderr, `Certificate with Serial Number `+second+` has been revoked\.`)
}

// serial returns the serial number that inspect shows.
func (u *user) serial(file string) string {
	u.t.Helper()
	stdout, _ := u.succeeds("certificate", "inspect", "--format", "json", file)
	var crt struct {
		SerialNumber string `json:"serial_number"`
		Validity     struct{ Start, End string }
		Issuer       struct {
			CommonName []string `json:"common_name"`
		}
		Extensions struct {
			SubjectAltName struct {
				DNSNames []string `json:"dns_names"`
			} `json:"subject_alt_name"`
		}
	}
	if err := json.Unmarshal([]byte(stdout), &crt); err != nil {
		u.t.Fatalf("inspect --format json: %v\n%s", err, stdout)
	}
	wantText(u.t, "serial_number", crt.SerialNumber, `^[0-9]+$`)
	wantText(u.t, "validity.end", crt.Validity.End, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)
	if strings.Join(crt.Issuer.CommonName, ",") != "Smallhouse Intermediate CA" || strings.Join(crt.Extensions.SubjectAltName.DNSNames, ",") != "svc.example.com" {
		u.t.Errorf("inspect --format json: %+v", crt)
	}
	return crt.SerialNumber
}

// misfortunes are what goes wrong most, in the words that people search for.
func (u *user) misfortunes(url string) {
	t := u.t
	token, stderr := u.succeeds("ca", "token", "a.example.com", "--provisioner", "admin", "--provisioner-password-file", "password")
	wantText(t, "step ca token", token, `^[\w-]+\.[\w-]+\.[\w-]+\n$`)
	wantText(t, "step ca token", stripColors(stderr), `✔ Provisioner: admin \(JWK\)`)
	token = strings.TrimSpace(token)
	u.fails(1, []string{"token subject 'a.example.com' and argument 'b.example.com' do not match"}, "ca", "certificate", "b.example.com", "b.crt", "b.key", "--token", token)
	u.succeeds("ca", "certificate", "a.example.com", "a.crt", "a.key", "--token", token)
	u.fails(1, []string{"The request lacked necessary authorization to be completed."}, "ca", "certificate", "a.example.com", "again.crt", "again.key", "--token", token)
	for _, name := range []string{"b.crt", "b.key", "again.crt", "again.key"} {
		if _, err := os.Stat(u.file(name)); err == nil {
			t.Errorf("%s was left behind", name)
		}
	}
	u.fails(1, []string{"requested duration of 2160h1m0s is more than the authorized maximum certificate duration of 24h1m0s."},
		"ca", "certificate", "a.example.com", "long.crt", "long.key", "--not-after", "2160h", "--provisioner", "admin", "--provisioner-password-file", "password")
	writeFile(t, u.dir, "wrong", []byte("wrong"))
	u.fails(1, []string{"failed to decrypt JWE: invalid password"}, "ca", "token", "x", "--provisioner", "admin", "--provisioner-password-file", "wrong")
	u.fails(1, []string{"error reading /nope: ", "no such file or directory"}, "ca", "token", "x", "--provisioner", "admin", "--provisioner-password-file", "/nope")
	u.fails(1, []string{"invalid value 'nope' for flag '--provisioner'"}, "ca", "token", "x", "--provisioner", "nope", "--provisioner-password-file", "password")
	u.fails(1, []string{"/dev/tty"}, "ca", "token", "x", "--provisioner", "admin")

	// Forms of the command line that guides and scripts have.
	u.succeeds("ca", "certificate", "--force", "a.example.com", "a.crt", "a.key", "-provisioner", "admin", "-provisioner-password-file=password")
	u.succeeds("ca", "certificate", "a.example.com", "--kty", "RSA", "--size", "2048", "rsa.crt", "rsa.key", "--provisioner", "admin", "--provisioner-password-file", "password", "--san", "a.example.com", "--san", "10.0.0.1")
	stdout, _ := u.succeeds("version")
	wantText(t, "step version", stdout, `^Smallstep CLI/\S+ \(\S+/\S+\)\nRelease Date: `)
	root, _ := u.succeeds("ca", "root")
	wantText(t, "step ca root", root, `^-----BEGIN CERTIFICATE-----\n`)
	roots, _ := u.succeeds("ca", "roots")
	wantText(t, "step ca roots", roots, `^-----BEGIN CERTIFICATE-----\n`)
}

// TestProvisionersByCommand changes a running CA as roles and guides do.
func TestProvisionersByCommand(t *testing.T) {
	t.Parallel()
	operator, p, _ := newAuthority(t)
	config := operator.file("step/config/ca.json")
	_, stderr := operator.succeeds("ca", "provisioner", "add", "acme", "--type", "ACME")
	wantText(t, "provisioner add", stripColors(stderr), "(?s)✔ CA Configuration: .*/config/ca\\.json\n\nSuccess! Your `step-ca` config has been updated\\. To pick up the new configuration SIGHUP \\(kill -1 <pid>\\) or restart the step-ca process\\.\n")
	operator.fails(1, []string{"error storing provisioner: provisioner with name acme already exists"}, "ca", "provisioner", "add", "acme", "--type", "ACME")
	p.reload("msg=reloaded")
	stdout, _ := operator.succeeds("ca", "provisioner", "list")
	wantText(t, "provisioner list", stdout, `(?m)^      "name": "acme"`)
	data, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Index(string(data), `"key":`) > strings.Index(string(data), `"encryptedKey":`) {
		t.Error("ca.json: encryptedKey stands before key")
	}
	operator.succeeds("ca", "provisioner", "remove", "acme")
	p.reload("msg=reloaded")
	if stdout, _ := operator.succeeds("ca", "provisioner", "list"); strings.Contains(stdout, `"acme"`) {
		t.Errorf("a removed provisioner is listed:\n%s", stdout)
	}
}

// stripColors removes what colours a terminal.
func stripColors(s string) string {
	return regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(s, "")
}
