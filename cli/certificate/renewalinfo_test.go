package certificate_test

import (
	"strings"
	"testing"
	"time"

	"stepca/cli"
	"stepca/cli/ca"
	"stepca/cli/certificate"
	"stepca/cli/clitest"
	"stepca/internal/acmetest"
)

// A certificate of a day is due at half of it, as the ACME server suggests, and not
// only at two thirds.
func TestNeedsRenewalByACME(t *testing.T) {
	t.Parallel()
	w := acmetest.New(t, nil)
	session := &clitest.Session{Commands: []cli.Command{ca.Command, certificate.Command}}
	crt := w.File("a.crt")
	r := session.Run(t, "ca", "certificate", "a.example", crt, w.File("a.key"), "--acme", w.Directory, "--root", w.CA.RootFile, "--http-listen", w.HTTP)
	if r.Code != 0 {
		t.Fatal(r.Stderr)
	}
	for _, tt := range []struct {
		after     time.Duration
		directory string
		code      int
		stderr    string
	}{
		{11 * time.Hour, w.Directory, 1, ""},
		{13 * time.Hour, w.Directory, 0, ""},
		{13 * time.Hour, w.CA.URL + "/acme/none/directory", 1, "404"},
		{17 * time.Hour, w.CA.URL + "/acme/none/directory", 0, "404"},
	} {
		session.Now = func() time.Time { return time.Now().Add(tt.after) }
		r := session.Run(t, "certificate", "needs-renewal", crt, "--acme", tt.directory, "--roots", w.CA.RootFile)
		if r.Code != tt.code || !strings.Contains(r.Stderr, tt.stderr) || r.Stdout != "" {
			t.Errorf("after %v by %s: exit code %d, want %d; stdout %q, stderr %q", tt.after, tt.directory, r.Code, tt.code, r.Stdout, r.Stderr)
		}
	}
	if r := session.Run(t, "certificate", "needs-renewal", crt, "--acme", w.Directory, "--expires-in", "1h"); r.Code != 255 {
		t.Errorf("with --expires-in: exit code %d, want 255", r.Code)
	}
}
