//go:build unix

package acme

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// apacheConfig stands before the recipe: what Debian's configuration says, as far
// as it is needed, and that the world's ports are 80 and 443 for clients.
const apacheConfig = `
ServerRoot %[1]q
ServerName localhost
User nobody
Group nogroup
PidFile apache.pid
ErrorLog error.log
LogLevel warn md:debug
DefaultRuntimeDir %[1]q
Mutex file:%[1]s default
StartServers 1
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule socache_shmcb_module /usr/lib/apache2/modules/mod_socache_shmcb.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
LoadModule md_module /usr/lib/apache2/modules/mod_md.so
Listen %[2]s
Listen %[3]s
MDPortMap http:%[4]s https:%[5]s
MDStoreDir md
`

// TestApache: mod_md gets a certificate by itself, with each of its two challenges
// alone, and Apache serves it.
func TestApache(t *testing.T) {
	t.Parallel()
	for _, challenge := range []string{"http-01", "tls-alpn-01"} {
		t.Run(challenge, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, "apache2", "apache2", map[string]any{"challenges": []any{challenge}})
			c.apache(t)
			c.reloadApache(t, 1)
			if page := c.fetch(t, "www.example.com"); page != "hello from Apache" {
				t.Errorf("%q", page)
			}
			c.Check(t, c.shown(t, "www.example.com"), "www.example.com")
		})
	}
}

// TestApacheRenews: mod_md asks for a profile, and renews by itself when the
// authority says so, as it does of a certificate that was revoked.
func TestApacheRenews(t *testing.T) {
	t.Parallel()
	c := newClient(t, "apache2", "apache2", map[string]any{
		"profiles": map[string]any{"short": map[string]any{"description": "hours", "claims": map[string]any{"defaultTLSCertDuration": "8h"}}},
	})
	c.apache(t, "MDProfile short")
	c.reloadApache(t, 1)
	first := c.shown(t, "www.example.com")
	if life := first[0].NotAfter.Sub(first[0].NotBefore); life > 8*time.Hour+time.Minute {
		t.Errorf("a certificate of the profile lives for %v", life)
	}
	c.revokeByKey(t, c.File("md/domains/www.example.com/pubcert.pem"), c.File("md/domains/www.example.com/privkey.pem"))
	c.WantRevoked(t, first[0], keyCompromise)
	c.graceful(t) // after which it asks again
	c.reloadApache(t, 2)
	c.renewedFrom(t, "www.example.com", first)
	const advised = "AH10518" // "CA advises renew via ARI now"
	if log := c.apacheLog(t); !strings.Contains(log, advised) {
		t.Error("it renewed, but not for the authority's renewal information")
	}
}

func TestApacheExternalAccount(t *testing.T) {
	t.Parallel()
	c := newClient(t, "apache2", "apache2", map[string]any{"requireEAB": true})
	id, secret := c.ExternalKey(t)
	c.apache(t, "MDExternalAccountBinding "+id+" "+secret)
	c.reloadApache(t, 1)
	c.fetch(t, "www.example.com")
}

// apache runs Apache with the recipe and further lines.
func (c *client) apache(t *testing.T, lines ...string) {
	t.Helper()
	c.open(t)
	if err := os.Mkdir(c.File("www"), 0o755); err != nil {
		t.Fatal(err)
	}
	c.Write(t, "www/index.html", "hello from Apache", 0o644)
	config := c.Write(t, "apache.conf", fmt.Sprintf(apacheConfig, c.Dir, c.HTTP, c.TLS, c.HTTPPort(), c.TLSPort())+
		strings.Replace(c.recipe(t, "Apache", "apache")[0], "MDCheckInterval 1h", "MDCheckInterval 1s\n"+strings.Join(lines, "\n"), 1), 0o644)
	c.serve(t, c.program, "-D", "FOREGROUND", "-f", config)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("error.log:\n%s", c.apacheLog(t))
		}
	})
}

func (c *client) apacheLog(t *testing.T) string {
	t.Helper()
	log, err := os.ReadFile(c.File("error.log"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(log)
}

// reloadApache waits until Apache has said so many times that it has a new
// certificate, and takes it into use.
func (c *client) reloadApache(t *testing.T, times int) {
	t.Helper()
	const setUp = "AH10059" // "changes will be activated on next (graceful) server restart"
	c.wait(t, "a certificate of Apache", func() bool { return strings.Count(c.apacheLog(t), setUp) >= times })
	c.graceful(t)
}

// graceful does what apachectl graceful does.
func (c *client) graceful(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(c.File("apache.pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
}
