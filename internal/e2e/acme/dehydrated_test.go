//go:build unix

package acme

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"
)

// dehydrated returns dehydrated with the configuration of the recipe and further
// lines, and a function that runs it.
func dehydrated(t *testing.T, provisioner map[string]any, lines string) (c *client, run func(args ...string)) {
	t.Helper()
	c = newClient(t, "dehydrated", "dehydrated", provisioner)
	// Debian's own configuration says where the files are. The key is one that is
	// made at once.
	config := c.Write(t, "config", "BASEDIR="+c.File("dehydrated")+"\nACCOUNT_KEYSIZE=2048\nKEY_ALGO=prime256v1\n"+
		c.recipe(t, "dehydrated", "conf")[0]+lines, 0o600)
	c.typed(t, "mkdir dehydrated")
	c.wrap(t, c.program, "--config "+config, "")
	return c, func(args ...string) {
		t.Helper()
		c.run(t, append([]string{"--config", config}, args...)...)
	}
}

func TestDehydrated(t *testing.T) {
	t.Parallel()
	c, _ := dehydrated(t, nil, "")
	c.Webroot(t)
	getIt, revoke, _ := strings.Cut(c.recipe(t, "dehydrated", "sh")[0], "dehydrated --revoke")
	_, again, _ := strings.Cut(getIt, "\n")
	file := c.File("dehydrated/certs/www.example.com/fullchain.pem")
	c.typed(t, getIt)
	first := c.Leaf(t, file, "www.example.com")
	c.typed(t, again) // it has less than 30 days left
	second := c.Leaf(t, file, "www.example.com")
	wantRenewed(t, first, second)
	c.typed(t, "dehydrated --revoke"+revoke)
	c.WantRevoked(t, second, unspecified)
}

func TestDehydratedDNS(t *testing.T) {
	t.Parallel()
	c, run := dehydrated(t, nil, "CHALLENGETYPE=dns-01\nHOOK=./hook.sh\n")
	c.Write(t, "hook.sh", `#!/bin/sh
record="`+c.DNS.Dir+`/_acme-challenge.$2"
case $1 in
deploy_challenge) echo "$4" >> "$record" ;;
clean_challenge) rm -f "$record" ;;
esac
`, 0o700)
	run("--register", "--accept-terms")
	run("--cron", "--domain", "a.example", "--domain", "*.a.example", "--alias", "a")
	c.Leaf(t, c.File("dehydrated/certs/a/fullchain.pem"), "a.example", "x.a.example")
}

// TestDehydratedTLS: dehydrated makes the certificate for tls-alpn-01, and a server
// that is told where shows it.
func TestDehydratedTLS(t *testing.T) {
	t.Parallel()
	c, run := dehydrated(t, map[string]any{"challenges": []any{"tls-alpn-01"}}, "CHALLENGETYPE=tls-alpn-01\n")
	l, err := tls.Listen("tcp", c.TLS, &tls.Config{
		NextProtos: []string{"acme-tls/1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			file := c.File("dehydrated/alpn-certs/" + hello.ServerName)
			crt, err := tls.LoadX509KeyPair(file+".crt.pem", file+".key.pem")
			return &crt, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func(conn net.Conn) {
				conn.(*tls.Conn).Handshake()
				conn.Close()
			}(conn)
		}
	}()
	run("--register", "--accept-terms")
	run("--cron", "--domain", "a.example")
	c.Leaf(t, c.File("dehydrated/certs/a.example/fullchain.pem"), "a.example")
}

func TestDehydratedExternalAccount(t *testing.T) {
	t.Parallel()
	c, run := dehydrated(t, map[string]any{"requireEAB": true}, ". ./eab\n")
	c.Webroot(t)
	id, secret := c.ExternalKey(t)
	c.Write(t, "eab", "EAB_KID="+id+"\nEAB_HMAC_KEY="+secret+"\n", 0o600)
	run("--register", "--accept-terms")
	run("--cron", "--domain", "a.example")
	c.Leaf(t, c.File("dehydrated/certs/a.example/fullchain.pem"), "a.example")
}
