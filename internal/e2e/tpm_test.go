//go:build unix

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"stepca/internal/freeport"
	"stepca/internal/tpmtest"
	"stepca/keyfile"
)

// initialised is an operator who has run step ca init, for a CA at the address,
// with the password of all keys in the file password.
func initialised(t *testing.T) (operator *user, address string) {
	t.Helper()
	operator, address = newUser(t), freeport.Address(t)
	writeFile(t, operator.dir, "password", []byte("secret\n"))
	operator.succeeds("ca", "init", "--name", "Devices", "--dns", "127.0.0.1", "--address", address,
		"--provisioner", "admin", "--deployment-type", "standalone", "--password-file", "password")
	return operator, address
}

// startCA starts the CA of an operator.
func (u *user) startCA(address string) *process {
	u.t.Helper()
	cmd := exec.Command(caProgram, u.file("step/config/ca.json"), "--password-file", u.file("password"))
	cmd.Env = environment(u.file("step"))
	p := launchWith(u.t, cmd)
	p.expect("Serving HTTPS on " + address + " ...")
	return p
}

// sh types a line into a shell.
func (u *user) sh(line string) {
	u.t.Helper()
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir, cmd.SysProcAttr = u.dir, noTerminal()
	cmd.Env = append(environment(u.file("step")), "PATH="+filepath.Dir(stepProgram)+":"+os.Getenv("PATH"))
	if stdout, stderr, code := run(u.t, cmd); code != 0 {
		u.t.Fatalf("%s: exit code %d\n%s%s", line, code, stdout, stderr)
	}
}

// fences are the pieces of code of a section of a page of the documentation.
func fences(t *testing.T, page, heading string) (pieces []struct{ language, text string }) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(data), "\n"+heading+"\n")
	if !found {
		t.Fatalf("%s has no section %q", page, heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	for _, m := range regexp.MustCompile("(?s)```([a-z.]+)\n(.*?)```").FindAllStringSubmatch(section, -1) {
		pieces = append(pieces, struct{ language, text string }{m[1], m[2]})
	}
	return pieces
}

// TestDeviceRecipe types what the documentation says about machines with a TPM.
func TestDeviceRecipe(t *testing.T) {
	t.Parallel()
	device := tpmtest.New(t, false)
	u, address := initialised(t)
	uris := regexp.MustCompile(`tpmkms:[^ ']*`)
	var p *process
	lines := 0
	for _, piece := range fences(t, "acme.md", "### A machine with a TPM") {
		if piece.language == "json" {
			writeFile(t, u.dir, "ak.tpl", []byte(piece.text))
			continue
		}
		for line := range strings.Lines(piece.text) {
			switch line = strings.TrimSpace(line); {
			case strings.Contains(line, "--attestation-ca-url"):
				continue // in cli/ca
			case strings.Contains(line, "--profile root-ca"):
				line += " --no-password --insecure"
			case strings.Contains(line, "step ca ") && !strings.Contains(line, "provisioner add"):
				if p == nil {
					p = u.startCA(address)
				}
			}
			u.sh(uris.ReplaceAllString(line, "$0?device="+device))
			lines++
		}
	}
	if lines != 8 {
		t.Errorf("%d lines were typed; the section has another number of commands than this test knows", lines)
	}
	leaf, err := keyfile.LoadCertificates(u.file("laptop.crt"))
	if err != nil {
		t.Fatal(err)
	}
	if leaf[0].Subject.CommonName != "laptop-17" {
		t.Errorf("the certificate is for %q", leaf[0].Subject)
	}
	// Another machine's name is refused.
	u.fails(1, []string{"permanent identifier does not match"}, "ca", "certificate", "laptop-18", "other.crt", "--provisioner", "devices",
		"--attestation-uri", "tpmkms:name=other;device="+device)
	if _, err := os.Stat(u.file("other.crt")); err == nil {
		t.Error("a certificate was written")
	}
}

// TestAuthorityInTPM has the key of the intermediate in a TPM.
func TestAuthorityInTPM(t *testing.T) {
	t.Parallel()
	device := tpmtest.New(t, false)
	u, address := initialised(t)
	const key = "tpmkms:name=intermediate"
	manager := "tpmkms:device=" + device
	u.succeeds("kms", "create", key, "--kms", manager)
	u.succeeds("certificate", "create", "Devices Intermediate CA", "intermediate.crt", "--profile", "intermediate-ca", "--key", key, "--kms", manager,
		"--ca", "step/certs/root_ca.crt", "--ca-key", "step/secrets/root_ca_key", "--ca-password-file", "password")
	config := u.file("step/config/ca.json")
	data, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	var cfg map[string]any
	if err := json.Unmarshal(data, &cfg); err != nil {
		t.Fatal(err)
	}
	cfg["crt"], cfg["key"], cfg["kms"] = u.file("intermediate.crt"), key, map[string]any{"type": "tpmkms", "uri": manager}
	if data, err = json.Marshal(cfg); err != nil {
		t.Fatal(err)
	}
	writeFile(t, u.dir, "step/config/ca.json", data)
	u.startCA(address)
	u.succeeds("ca", "certificate", "www.example.com", "www.crt", "www.key", "--provisioner", "admin", "--provisioner-password-file", "password")
	u.succeeds("certificate", "verify", "www.crt", "--roots", "step/certs/root_ca.crt")
}
