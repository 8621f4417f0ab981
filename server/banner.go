package server

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"stepca/ca"

	"golang.org/x/crypto/ssh"
)

// banner tells people what was started. Scripts look for some of the lines, so
// their wording is fixed.
func (s *Server) banner(a *authority) {
	if s.opts.Quiet {
		return
	}
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	add("Starting %s", ProductName(s.opts.Version))
	add("Documentation: see docs/ of this release, or run `step-ca help`")
	if s.opts.Context != "" {
		add("Current context: %s", s.opts.Context)
	}
	add("Config file: %s", s.opts.ConfigFile)
	add("The primary server URL is %s", a.url())
	add("Root certificates are available at %s/roots.pem", a.url())
	if names := a.cfg.ServerNames(); len(names) > 1 {
		add("Additional configured hostnames: %s", strings.Join(names[1:], ", "))
	}
	for _, root := range a.roots {
		add("X.509 Root Fingerprint: %s", ca.Fingerprint(root))
	}
	if a.ssh.signs() {
		for _, key := range []struct {
			kind string
			pub  ssh.PublicKey
		}{{"Host", a.ssh.api.Keys.HostKey}, {"User", a.ssh.api.Keys.UserKey}} {
			if key.pub != nil {
				add("SSH %s CA Key: %s", key.kind, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key.pub))))
			}
		}
	}
	for _, line := range lines {
		fmt.Fprintf(s.opts.Stderr, "%s %s\n", stamp(), line)
	}
}

// ProductName is how the server names itself and its platform.
func ProductName(version string) string {
	return fmt.Sprintf("Smallstep CA/%s (%s/%s)", version, runtime.GOOS, runtime.GOARCH)
}

// stamp begins the lines that scripts know from the reference's standard logger.
func stamp() string { return time.Now().Format("2006/01/02 15:04:05") }
