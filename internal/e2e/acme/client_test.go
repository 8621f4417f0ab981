//go:build unix

package acme

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"stepca/internal/acmetest"
)

// clientTime bounds one run of a client.
const clientTime = 90 * time.Second

// A client is a program that gets certificates, and what its runs have in common.
type client struct {
	*acmetest.World
	program string
	prefix  []string // arguments before all others
	environ []string
}

// newClient returns a client in a world of its own. Where the program is missing,
// the test is skipped, or fails if CI is set.
func newClient(t *testing.T, program, debianPackage string, provisioner map[string]any) *client {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if path, err = exec.LookPath(filepath.Join("/usr/sbin", program)); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%s is not installed: apt-get install %s", program, debianPackage)
			}
			t.Skipf("%s is not installed: apt-get install %s", program, debianPackage)
		}
	}
	w := acmetest.New(t, provisioner)
	return &client{World: w, program: path, environ: append(os.Environ(),
		"HOME="+w.Dir, "XDG_DATA_HOME="+w.Dir, "XDG_CONFIG_HOME="+w.Dir,
		"SSL_CERT_FILE="+w.CA.RootFile,      // OpenSSL, Go
		"REQUESTS_CA_BUNDLE="+w.CA.RootFile, // Python
		"LEGO_CA_CERTIFICATES="+w.CA.RootFile,
	)}
}

// run runs the client, which has to succeed.
func (c *client) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := c.try(t, args...)
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", c.program, args, err, out)
	}
	return out
}

func (c *client) try(t *testing.T, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), clientTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.program, append(c.prefix[:len(c.prefix):len(c.prefix)], args...)...)
	cmd.Env, cmd.Dir = c.environ, c.Dir
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}
