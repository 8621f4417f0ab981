//go:build unix

package acme

import (
	"os"
	"testing"
)

// TestAcmetool gets with dns-01, since for the other challenges acmetool listens at
// ports of the system. Its revoke sends nothing in the version of Debian 12.
func TestAcmetool(t *testing.T) {
	t.Parallel()
	c := newClient(t, "acmetool", "acmetool", map[string]any{"challenges": []any{"dns-01"}})
	for _, dir := range []string{"state", "state/conf", "hooks"} {
		if err := os.Mkdir(c.File(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c.Write(t, "state/conf/target", "request:\n  provider: "+c.Directory+"\n  key:\n    type: ecdsa\n", 0o644)
	c.Write(t, "state/conf/responses", "acme-enter-email: ops@example.com\n\"acme-agreement:https://ca.example.com/terms\": true\n", 0o644)
	c.Write(t, "hooks/dns", `#!/bin/sh
record="`+c.DNS.Dir+`/_acme-challenge.$2"
case $1 in
challenge-dns-start) echo "$4" > "$record" ;;
challenge-dns-stop) rm -f "$record" ;;
*) exit 42 ;;
esac
`, 0o755)
	c.run(t, "--state", c.File("state"), "--hooks", c.File("hooks"), "--batch", "want", "www.example.com", "example.com")
	c.Leaf(t, c.File("state/live/www.example.com/fullchain"), "www.example.com", "example.com")
}
