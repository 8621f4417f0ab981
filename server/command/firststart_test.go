package command

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepca/server/builtin"
)

// serveOnce runs step-ca until it serves, or ends by itself, and returns what it
// printed and its exit code.
func serveOnce(t *testing.T, variables map[string]string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out bytes.Buffer
	lines, writer := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- Main(ctx, &Env{
			Stdout: &out, Stderr: writer, Getenv: func(name string) string { return variables[name] },
			KMS: builtin.KeyManagers(), Engines: builtin.Engines(),
		}, args)
		writer.Close()
	}()
	var all strings.Builder
	for scanner := bufio.NewScanner(lines); scanner.Scan(); {
		all.WriteString(scanner.Text() + "\n")
		if strings.Contains(scanner.Text(), "Serving HTTPS on") {
			cancel()
		}
	}
	code = <-ended
	return out.String(), all.String(), code
}

func TestFirstStart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "step")
	variables := map[string]string{
		"STEPPATH":                     dir,
		"DOCKER_STEPCA_INIT_NAME":      "Container",
		"DOCKER_STEPCA_INIT_DNS_NAMES": "localhost,ca.local",
		"DOCKER_STEPCA_INIT_ADDRESS":   "127.0.0.1:0",
	}
	stdout, stderr, code := serveOnce(t, variables)
	if code != 0 || !strings.Contains(stderr, "Root fingerprint") || !strings.Contains(stderr, "Serving HTTPS on") {
		t.Fatalf("first start: exit code %d\n%s", code, stderr)
	}
	if n := strings.Count(stdout, "administrative password is: "); n != 1 {
		t.Errorf("the password is shown %d times: %q", n, stdout)
	}
	made, err := os.ReadFile(filepath.Join(dir, "config", "ca.json"))
	if err != nil {
		t.Fatal(err)
	}

	// The next start serves what is there, and needs no flag either.
	stdout, stderr, code = serveOnce(t, variables)
	if code != 0 || stdout != "" || strings.Contains(stderr, "Root certificate... done") {
		t.Errorf("second start: exit code %d\n%s\n%s", code, stdout, stderr)
	}
	if now, err := os.ReadFile(filepath.Join(dir, "config", "ca.json")); err != nil || !bytes.Equal(now, made) {
		t.Errorf("the second start changed the configuration (error %v)", err)
	}
	_, stderr, code = serveOnce(t, variables, "--password-file", filepath.Join(dir, "secrets", "password"), filepath.Join(dir, "config", "ca.json"))
	if code != 0 {
		t.Errorf("start with the flags of a container: exit code %d\n%s", code, stderr)
	}
}

func TestNoFirstStart(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		variables map[string]string
		args      []string
		code      int
		stderr    string
	}{
		{"no variables", nil, nil, exitUsage, "step-ca can't find or open the configuration file for your CA."},
		{"no names", map[string]string{"DOCKER_STEPCA_INIT_NAME": "x"}, nil, exitUsage, "step-ca can't find or open the configuration file for your CA."},
		{"what to do about it", map[string]string{"DOCKER_STEPCA_INIT_DNS_NAMES": "x"}, nil, exitUsage, "set DOCKER_STEPCA_INIT_NAME and DOCKER_STEPCA_INIT_DNS_NAMES"},
		{"another configuration", map[string]string{"DOCKER_STEPCA_INIT_NAME": "x", "DOCKER_STEPCA_INIT_DNS_NAMES": "x"},
			[]string{"elsewhere.json"}, exitUsage, "elsewhere.json: no such file or directory"},
		{"bad values", map[string]string{"DOCKER_STEPCA_INIT_NAME": "x", "DOCKER_STEPCA_INIT_DNS_NAMES": "x", "DOCKER_STEPCA_INIT_PASSWORD_FILE": "nope"},
			nil, exitFatal, "nope"},
	} {
		dir := filepath.Join(t.TempDir(), "step")
		variables := map[string]string{"STEPPATH": dir}
		for name, value := range tt.variables {
			variables[name] = value
		}
		_, stderr, code := serveOnce(t, variables, tt.args...)
		if code != tt.code || !strings.Contains(stderr, tt.stderr) {
			t.Errorf("%s: exit code %d, want %d\n%s", tt.name, code, tt.code, stderr)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: something was made", tt.name)
		}
	}
}
