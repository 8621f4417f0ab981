//go:build unix

package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepca/internal/catest"
)

// TestExternalKeysWhileTheServerRuns manages keys for external account binding on
// the machine of a CA, whose database only one process can have open.
func TestExternalKeysWhileTheServerRuns(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"pebble", "bbolt", "badger"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			ca := catest.Prepare(t, catest.Options{Edit: func(cfg map[string]any) {
				onDisk(engine)(cfg)
				if db := cfg["db"].(map[string]any); engine != "bbolt" { // whose database is no directory
					db["dataSource"] = db["dataSource"].(string) + "/"
				}
				authority := cfg["authority"].(map[string]any)
				authority["provisioners"] = append(authority["provisioners"].([]any),
					map[string]any{"type": "ACME", "name": "acme", "requireEAB": true}, map[string]any{"type": "ACME", "name": "open"})
			}})
			u := newUser(t)
			eab := func(args ...string) []string {
				return append([]string{"ca", "acme", "eab"}, append(args, "--ca-config", ca.ConfigFile)...)
			}
			must := func(want string, args ...string) string {
				t.Helper()
				out, _ := u.succeeds(eab(args...)...)
				if !strings.Contains(out, want) {
					t.Errorf("step ca acme eab %v: %s, want %q", args, out, want)
				}
				return out
			}
			must("first", "add", "acme", "first") // nobody has the database open
			p := serve(t, ca)
			socket := filepath.Clean(ca.ReadConfig()["db"].(map[string]any)["dataSource"].(string)) + ".sock"
			if info, err := os.Lstat(socket); err != nil || info.Mode() != fs.ModeSocket|0o600 {
				t.Errorf("%s: %v, %v, want a socket of mode 0600", filepath.Base(socket), info, err)
			}
			must("second", "add", "acme", "second")
			list := must("first", "list", "acme")
			if !strings.Contains(list, "second") {
				t.Errorf("list: %s, want both keys", list)
			}
			for _, test := range [][2]string{
				{"exists already", "add acme second"}, {"not enabled", "add open"}, {"not found", "list none"}, {"not found", "remove acme none"},
			} {
				u.fails(1, []string{test[0]}, eab(strings.Fields(test[1])...)...)
			}
			_, row, _ := strings.Cut(must("first", "list", "acme", "first"), "\n")
			must("", "remove", "acme", strings.Fields(row)[0])
			if list := must("second", "list", "acme"); strings.Contains(list, "first") {
				t.Errorf("list: %s, want the removed key gone", list)
			}
			p.kill() // leaves its socket behind
			must("second", "list", "acme")
			serve(t, ca)
			must("third", "add", "acme", "third")
		})
	}
}
