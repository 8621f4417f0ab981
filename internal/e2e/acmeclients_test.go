//go:build unix

package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"stepca/internal/dnstest"
	"stepca/internal/freeport"
)

// TestACMEClientsOfPrograms: from step ca init to web servers with certificates,
// with the programs alone and a restart, which accounts survive. The tests in acme
// have more clients, with a server inside the test.
func TestACMEClientsOfPrograms(t *testing.T) {
	t.Parallel()
	lego, caddy, curl := peer(t, "lego", "lego"), peer(t, "caddy", "caddy"), peer(t, "curl", "curl")
	operator := newUser(t)
	address, web, tls := freeport.Address(t), freeport.Address(t), freeport.Address(t)
	writeFile(t, operator.dir, "password", []byte("secret\n"))
	operator.succeeds("ca", "init", "--acme", "--name", "Smallhouse", "--dns", "localhost", "--address", address,
		"--provisioner", "admin", "--deployment-type", "standalone", "--password-file", "password")
	root := operator.file("step/certs/root_ca.crt")
	dns := dnstest.New(t)
	start := func() *process {
		t.Helper()
		cmd := exec.Command(caProgram, operator.file("step/config/ca.json"), "--password-file", operator.file("password"),
			"--resolver", dns.Addr, "--insecure", "--acme-http-port", port(web), "--acme-tls-port", port(tls))
		cmd.Env = environment(operator.file("step"))
		p := launchWith(t, cmd)
		p.expect("Serving HTTPS on ")
		return p
	}
	directory := "https://localhost:" + port(address) + "/acme/acme/directory"
	client := func(args ...string) {
		t.Helper()
		cmd := exec.Command(lego, append([]string{"--path", operator.file("lego"), "--server", directory, "--email", "ops@example.com",
			"--accept-tos", "--domains", "www.example.com", "--http", "--http.port", web}, args...)...)
		cmd.Env = append(environment(operator.dir), "LEGO_CA_CERTIFICATES="+root)
		if stdout, stderr, code := run(t, cmd); code != 0 {
			t.Fatalf("lego %v: exit code %d\n%s%s", args, code, stdout, stderr)
		}
	}

	p := start()
	client("run")
	file := "lego/certificates/www.example.com.crt"
	operator.succeeds("certificate", "verify", file, "--roots", root, "--host", "www.example.com")
	first := readFile(t, operator.file(file))
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	start()
	client("renew", "--no-random-sleep")
	if string(readFile(t, operator.file(file))) == string(first) {
		t.Error("the certificate was not renewed")
	}
	client("revoke")

	config := fmt.Sprintf("{\n\tadmin off\n\thttp_port %s\n\thttps_port %s\n\tacme_ca %s\n\tacme_ca_root %s\n}\na.example {\n\trespond hello\n}\n",
		port(web), port(tls), directory, root)
	server := exec.Command(caddy, "run", "--config", writeFile(t, operator.dir, "Caddyfile", []byte(config)), "--adapter", "caddyfile")
	server.Env = append(environment(operator.dir), "XDG_DATA_HOME="+operator.file("caddy"), "XDG_CONFIG_HOME="+operator.file("caddy"))
	launchWith(t, server)
	deadline := time.Now().Add(patience)
	for {
		stdout, stderr, code := run(t, exec.Command(curl, "--silent", "--show-error", "--cacert", root, "--resolve", "a.example:"+port(tls)+":127.0.0.1", "https://a.example:"+port(tls)))
		if code == 0 && stdout == "hello" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("curl: exit code %d\n%s%s", code, stdout, stderr)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
