// Package tpmtest runs TPMs for tests: swtpm, of the Debian packages swtpm and
// swtpm-tools.
package tpmtest

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"stepca/internal/sockdir"
)

// New runs a TPM as it leaves the factory until the test ends, and returns its
// device, for the attribute of that name. With ek it has the certificate of its
// endorsement key, made by a CA of its own.
func New(t testing.TB, ek bool) (device string) {
	t.Helper()
	program := look(t, "swtpm")
	dir, err := sockdir.Make("tpm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if ek {
		manufacture(t, dir)
	}
	socket := filepath.Join(dir, "sock")
	var out bytes.Buffer
	cmd := exec.Command(program, "socket", "--tpm2", "--tpmstate", "dir="+dir,
		"--server", "type=unixio,path="+socket+",disconnect", "--flags", "not-need-init,startup-clear")
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	for range 6000 {
		if conn, err := net.Dial("unix", socket); err == nil {
			conn.Close()
			return "unix:" + socket
		}
		time.Sleep(10 * time.Millisecond)
	}
	cmd.Process.Kill()
	cmd.Wait()
	t.Fatalf("swtpm does not listen:\n%s", &out)
	return ""
}

// look finds a program, or skips the test; in CI it fails.
func look(t testing.TB, name string) string {
	t.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is missing: %v", name, err)
		}
		t.Skipf("%s is missing", name)
	}
	return program
}

// manufacture has swtpm_setup make the endorsement key and its certificate, in
// the state directory of a TPM.
func manufacture(t testing.TB, dir string) {
	t.Helper()
	look(t, "swtpm_localca")
	ca := filepath.Join(dir, "ca")
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	if err := os.Mkdir(ca, 0o700); err != nil {
		t.Fatal(err)
	}
	localca := write("localca.conf", "statedir = "+ca+"\nsigningkey = "+ca+"/signkey.pem\nissuercert = "+ca+"/issuer.pem\ncertserial = "+ca+"/serial\n")
	setup := write("setup.conf", "create_certs_tool = swtpm_localca\ncreate_certs_tool_config = "+localca+"\ncreate_certs_tool_options = "+write("options", "")+"\n")
	cmd := exec.Command(look(t, "swtpm_setup"), "--tpm2", "--tpmstate", dir, "--config", setup, "--create-ek-cert")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("swtpm_setup: %v\n%s", err, out)
	}
}
