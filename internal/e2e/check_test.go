//go:build unix

package e2e

import (
	"maps"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"stepca/internal/catest"
)

// TestCheck: step-ca check finds all faults at once, each with its place and what
// to do, and touches nothing.
func TestCheck(t *testing.T) {
	t.Parallel()
	ca := catest.Prepare(t, catest.Options{Edit: onDisk("pebble")})
	replace(t, ca, "leaf.tpl", []byte(`{"subject": {{ .Subject`))
	check := func() (string, string, int) {
		t.Helper()
		cmd := exec.Command(caProgram, "check", ca.ConfigFile)
		cmd.Env = environment(t.TempDir())
		return run(t, cmd)
	}
	edit(t, ca, func(cfg map[string]any) { cfg["address"] = "127.0.0.1:8443" })
	if stdout, stderr, code := check(); code != 0 || !strings.HasPrefix(stdout, ca.ConfigFile+": ok, 0 warnings") {
		t.Errorf("a good configuration: exit code %d\n%s%s", code, stdout, stderr)
	}
	encryptKey(t, ca)
	if stdout, stderr, code := check(); code != 0 || !strings.Contains(stdout, "ok, 0 warnings; keys were not opened") {
		t.Errorf("a key that is encrypted: exit code %d\n%s%s", code, stdout, stderr)
	}
	edit(t, ca, func(cfg map[string]any) {
		cfg["dns"] = cfg["dnsNames"]
		cfg["address"] = "8443"
		cfg["key"] = filepath.Join(ca.Dir, "root_ca_key")
		cfg["policy"] = map[string]any{}
		cfg["crl"] = map[string]any{"enabled": true, "cacheDuration": "1h", "renewPeriod": "2h"}
		cfg["tls"] = map[string]any{"minVersion": 1.3, "maxVersion": 1.2}
		authority := cfg["authority"].(map[string]any)
		admin := authority["provisioners"].([]any)[0].(map[string]any)
		ops := maps.Clone(admin)
		admin["claims"] = map[string]any{"minTLSCertDuration": "48h"}
		ops["name"], ops["options"] = "ops", map[string]any{"x509": map[string]any{"templateFile": filepath.Join(ca.Dir, "leaf.tpl")}}
		authority["provisioners"] = []any{admin, map[string]any{"type": "FOO", "name": "x"}, ops}
	})
	before := files(t, ca.Dir)
	stdout, stderr, code := check()
	if code != 1 || !strings.Contains(stderr, "the server would not start") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	for _, want := range []string{
		`error: address: invalid address 8443; it is of the form host:port`,
		`error: key: `, `do not belong together`,
		`error: tls`,
		`error: crl`,
		`authority.provisioners[0].claims`,
		`error: authority.provisioners[2].options.x509: the template cannot be parsed`,
		`warning: authority.provisioners[1].type: provisioners of type "FOO" are not known`,
		`warning: dns: unknown key "dns" has no effect; did you mean "dnsNames"?`,
		`warning: policy: "policy" has no effect here: nothing is restricted by it; did you mean authority.policy?`,
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%s is not in\n%s", want, stdout)
		}
	}
	for line := range strings.Lines(stdout) {
		if !strings.HasPrefix(line, ca.ConfigFile+": ") {
			t.Errorf("a line without the file's name: %s", line)
		}
	}
	for name, sum := range files(t, ca.Dir) {
		if old, was := before[name]; !was || old != sum {
			t.Errorf("%s was made or changed", name)
		}
	}
}
