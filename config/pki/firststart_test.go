package pki_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"stepca/config"
	"stepca/config/pki"
	"stepca/keyfile"
)

func firstStart(t *testing.T, env map[string]string) (f *pki.FirstStart, stdout, stderr *bytes.Buffer) {
	t.Helper()
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	return &pki.FirstStart{
		Path:   config.StepPath{Base: filepath.Join(t.TempDir(), "step")},
		Getenv: func(name string) string { return env[name] },
		Stdout: stdout, Stderr: stderr,
		Now: func() time.Time { return now },
	}, stdout, stderr
}

func TestFirstStart(t *testing.T) {
	t.Parallel()
	f, stdout, _ := firstStart(t, map[string]string{
		"DOCKER_STEPCA_INIT_NAME": "Smallstep", "DOCKER_STEPCA_INIT_DNS_NAMES": "localhost,ca.x",
		"DOCKER_STEPCA_INIT_ACME": "true", "DOCKER_STEPCA_INIT_SSH": "yes", "DOCKER_STEPCA_INIT_REMOTE_MANAGEMENT": "true",
	})
	made, err := f.Run()
	if err != nil || !made {
		t.Fatalf("Run = %v, %v", made, err)
	}
	c, err := config.Load(f.Path.CAConfig())
	if err != nil {
		t.Fatal(err)
	}
	if c.Address != ":9000" || len(c.DNSNames) != 2 || c.SSH != nil || len(c.Authority.Provisioners) != 2 || !c.Authority.EnableAdmin {
		t.Errorf("configuration is address %s, names %v, ssh %v, %d provisioners, enableAdmin %v",
			c.Address, c.DNSNames, c.SSH, len(c.Authority.Provisioners), c.Authority.EnableAdmin)
	}
	if got := stdout.String(); !regexp.MustCompile(`^\n👉 Your CA administrative username is: step\n👉 Your CA administrative password is: [A-Za-z0-9]{40}\n🤫 This will only be displayed once.\n$`).MatchString(got) {
		t.Errorf("it says %q", got)
	}
	password := keyfile.PasswordFile(filepath.Join(f.Path.Dir(), "secrets", "password"))
	if _, _, err := keyfile.LoadPair(c.Crt, c.Key, password); err != nil {
		t.Errorf("the server cannot open its key: %v", err)
	}
	if made, err := f.Run(); made || err != nil {
		t.Errorf("Run = %v, %v when there is a CA", made, err)
	}
}

func TestFirstStartGiven(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret := filepath.Join(dir, "password")
	if err := os.WriteFile(secret, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, stdout, _ := firstStart(t, map[string]string{
		"DOCKER_STEPCA_INIT_NAME": "X", "DOCKER_STEPCA_INIT_DNS_NAMES": "x",
		"DOCKER_STEPCA_INIT_PASSWORD_FILE": secret, "PWDPATH": filepath.Join(dir, "pwd"),
	})
	if made, err := f.Run(); !made || err != nil {
		t.Fatalf("Run = %v, %v", made, err)
	}
	if stdout.Len() > 0 {
		t.Errorf("it says %q of a password that was given", stdout)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "pwd")); err != nil || string(got) != "s3cret\n" {
		t.Errorf("PWDPATH has %q, %v", got, err)
	}
}

func TestFirstStartRefused(t *testing.T) {
	t.Parallel()
	crt := filepath.Join(t.TempDir(), "root.crt")
	if err := os.WriteFile(crt, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, stderr, err string
		env               map[string]string
	}{
		{"nothing given", "There is no ca.json. ", "", nil},
		{"root without key", "", "DOCKER_STEPCA_INIT_ROOT_FILE requires DOCKER_STEPCA_INIT_KEY_FILE", map[string]string{
			"DOCKER_STEPCA_INIT_NAME": "X", "DOCKER_STEPCA_INIT_DNS_NAMES": "x", "DOCKER_STEPCA_INIT_ROOT_FILE": crt}},
		{"hosted", "", `deployment type "hosted"`, map[string]string{
			"DOCKER_STEPCA_INIT_NAME": "X", "DOCKER_STEPCA_INIT_DNS_NAMES": "x", "DOCKER_STEPCA_INIT_DEPLOYMENT_TYPE": "hosted"}},
	} {
		f, _, stderr := firstStart(t, tt.env)
		made, err := f.Run()
		text := ""
		if err != nil {
			text = err.Error()
		}
		if made || !strings.HasPrefix(text, tt.err) || (tt.err == "") != (err == nil) || !strings.HasPrefix(stderr.String(), tt.stderr) {
			t.Errorf("%s: Run = %v, %v, and says %q", tt.name, made, err, stderr)
		}
		if got := tree(t, f.Path.Base); len(got) > 0 {
			t.Errorf("%s: made %v", tt.name, got)
		}
	}
}
