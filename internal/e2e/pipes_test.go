//go:build unix

package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"stepca/internal/catest"
	"stepca/internal/freeport"
)

// TestPipes: secrets may come through pipes, which can be read once only.
func TestPipes(t *testing.T) {
	t.Parallel()
	ca := catest.Prepare(t, catest.Options{})
	plain := filepath.Join(ca.Dir, "plain")
	must(t, "cp", filepath.Join(ca.Dir, "intermediate_ca_key"), plain)
	encryptKey(t, ca)
	address := freeport.Address(t)
	edit(t, ca, func(cfg map[string]any) { cfg["address"] = address })
	ca.URL = "https://" + address

	cmd := exec.Command(caProgram, ca.ConfigFile, "--password-file", "/dev/stdin")
	cmd.Stdin = strings.NewReader("the password\n")
	p := launchWith(t, cmd)
	p.expect("Serving HTTPS on ")
	p.reload("msg=reloaded") // with the password that was read at the start
	ca.Issue("a.example.com")
	p.stop()

	fifo := filepath.Join(ca.Dir, "key.fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	edit(t, ca, func(cfg map[string]any) { cfg["key"] = fifo })
	feeder := exec.Command("/bin/sh", "-c", `cat "$1" > "$2"`, "sh", plain, fifo)
	if err := feeder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { feeder.Process.Kill(); feeder.Wait() })
	p = launch(t, ca.ConfigFile)
	p.expect("Serving HTTPS on ")
	ca.Issue("b.example.com")
}
