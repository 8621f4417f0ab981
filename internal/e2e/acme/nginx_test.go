//go:build unix

package acme

import (
	"fmt"
	"net"
	"os"
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

// TestNginx does what the recipe says: certbot gets a certificate for nginx through
// the files that nginx serves, and nginx takes it up when certbot renews it.
func TestNginx(t *testing.T) {
	t.Parallel()
	c, _ := certbot(t, nil)
	c.open(t)
	nginx := lookProgram(t, "nginx", "nginx")
	config := c.Write(t, "nginx.conf", fmt.Sprintf(nginxConfig, c.Dir), 0o644)
	args := "-c " + config + " -p " + c.Dir + " -e " + c.File("error.log")
	c.wrap(t, nginx, args, "")
	for _, dir := range []string{"sites", "www"} {
		if err := os.Mkdir(c.File(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c.Write(t, "www/index.html", "hello from nginx", 0o644)
	servers := c.recipe(t, "nginx", "nginx")
	c.Write(t, "sites/http", servers[0], 0o644)
	c.serve(t, c.File("bin/nginx"))
	c.wait(t, "nginx", func() bool {
		conn, err := net.Dial("tcp", c.HTTP)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	c.typed(t, c.recipe(t, "nginx", "sh")[0])
	c.Write(t, "sites/https", servers[1], 0o644)
	c.typed(t, "nginx -s reload")
	if page := c.fetch(t, "www.example.com"); page != "hello from nginx" {
		t.Errorf("%q", page)
	}
	first := c.shown(t, "www.example.com")
	c.Check(t, first, "www.example.com")
	c.typed(t, "certbot renew")
	c.renewedFrom(t, "www.example.com", first)
}
