//go:build unix

package acme

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

const nginxConfig = `
daemon off; master_process on; pid %[1]s/nginx.pid; error_log %[1]s/error.log;
worker_processes 1;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi; uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
	include %[1]s/sites/*;
}
`

// nginx runs nginx with a server, and returns certbot, for recipes with both.
func nginx(t *testing.T, server func(*client) string) *client {
	t.Helper()
	c, _ := certbot(t, nil)
	program := lookProgram(t, "nginx", "nginx")
	c.open(t)
	for _, dir := range []string{"sites", "www"} {
		if err := os.Mkdir(c.File(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c.Write(t, "www/index.html", "hello from nginx", 0o644)
	config := c.Write(t, "nginx.conf", fmt.Sprintf(nginxConfig, c.Dir), 0o644)
	c.wrap(t, program, "-c "+config+" -p "+c.Dir+" -e "+c.File("error.log"), "")
	c.Write(t, "sites/http", server(c), 0o644)
	c.serve(t, c.File("bin/nginx"))
	c.wait(t, "nginx", func() bool {
		conn, err := net.Dial("tcp", c.HTTP)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return c
}

// TestNginx does what the recipe says: certbot gets a certificate for nginx through
// the files that nginx serves, and nginx takes it up when certbot renews it.
func TestNginx(t *testing.T) {
	t.Parallel()
	c := nginx(t, func(c *client) string { return c.recipe(t, "nginx", "nginx")[0] })
	c.typed(t, c.recipe(t, "nginx", "sh")[0])
	c.Write(t, "sites/https", c.recipe(t, "nginx", "nginx")[1], 0o644)
	c.typed(t, "nginx -s reload")
	if page := c.fetch(t, "www.example.com"); page != "hello from nginx" {
		t.Errorf("%q", page)
	}
	first := c.shown(t, "www.example.com")
	c.Check(t, first, "www.example.com")
	c.typed(t, "certbot renew")
	second := c.renewedFrom(t, "www.example.com", first)
	c.typed(t, "certbot revoke --cert-name www.example.com --no-delete-after-revoke")
	c.WantRevoked(t, second[0], unspecified)
}

// TestCertbotConfiguresNginx: certbot finds the server in nginx's configuration and
// adds what TLS needs.
func TestCertbotConfiguresNginx(t *testing.T) {
	t.Parallel()
	c := nginx(t, func(c *client) string {
		return "server { listen " + c.HTTPPort() + "; server_name www.example.com; root " + c.File("www") + "; }\n"
	})
	here := "--nginx --nginx-server-root " + c.Dir + " --nginx-ctl " + c.File("bin/nginx") + " --https-port " + c.TLSPort()
	c.typed(t, strings.Replace(c.recipe(t, "nginx", "sh")[1], "--nginx", here, 1))
	if page := c.fetch(t, "www.example.com"); page != "hello from nginx" {
		t.Errorf("%q", page)
	}
	c.Check(t, c.shown(t, "www.example.com"), "www.example.com")
}
