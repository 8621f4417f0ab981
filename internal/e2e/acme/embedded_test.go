//go:build unix

package acme

import (
	"crypto/x509"
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
	for _, tt := range []struct {
		name    string
		revoked int // index of the certificate that it revokes
	}{{"lego", 0}, {"certmagic", 1}, {"cert-manager", 0}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, program, "", map[string]any{
				"profiles": map[string]any{"short": map[string]any{"description": "hours", "claims": map[string]any{"defaultTLSCertDuration": "8h"}}},
			})
			c.run(t, tt.name, c.Directory, c.HTTP, "short")
			first, second := c.Leaf(t, c.File("first.crt"), "www.example.com"), c.Leaf(t, c.File("second.crt"), "www.example.com")
			wantRenewed(t, first, second)
			c.WantRevoked(t, []*x509.Certificate{first, second}[tt.revoked], superseded)
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
