//go:build unix

package acme

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestEmbedded: the clients of today that Traefik, Caddy and cert-manager have inside
// get a certificate of a profile, renew it with an order that says what it replaces,
// and revoke. Where the Go module proxy cannot be reached, which they come from, the
// test is skipped, or fails if CI is set.
func TestEmbedded(t *testing.T) {
	t.Parallel()
	program := buildEmbedded(t)
	for _, name := range []string{"lego", "certmagic", "cert-manager"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, program, "", map[string]any{
				"profiles": map[string]any{"short": map[string]any{"description": "hours", "claims": map[string]any{"defaultTLSCertDuration": "8h"}}},
			})
			c.run(t, name, c.Directory, c.HTTP, "short")
			first, second := c.Leaf(t, c.File("first.crt"), "www.example.com"), c.Leaf(t, c.File("second.crt"), "www.example.com")
			wantRenewed(t, first, second)
			if life := second.NotAfter.Sub(second.NotBefore); life > 8*time.Hour+time.Minute {
				t.Errorf("a certificate of the profile lives for %v", life)
			}
		})
	}
}

// buildEmbedded builds testdata/embedded and returns the path of the program.
func buildEmbedded(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "embedded")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	cmd.Dir = filepath.Join("testdata", "embedded")
	if out, err := cmd.CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("building %s: %v\n%s", cmd.Dir, err, out)
		}
		t.Skipf("%s cannot be built: %v\n%s", cmd.Dir, err, out)
	}
	return program
}
