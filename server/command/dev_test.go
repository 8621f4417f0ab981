package command

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"stepca/ca"
	"stepca/config"
	"stepca/keyfile"
	"stepca/kms"
	"stepca/kms/soft"
	"stepca/kv"
	"stepca/kv/mem"
	"stepca/server"
)

// TestDev starts the CA, reads what it prints, and looks for what it leaves.
// Temporary files go where an environment variable says, so it is not parallel.
func TestDev(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir) // Windows
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- Main(ctx, &Env{
			Stdout: in, Stderr: t.Output(), Getenv: func(string) string { return "" },
			KMS: kms.Registry{kms.Soft: soft.Open},
			Engines: map[string]server.EngineOpener{
				config.EngineMemory: func(context.Context, *config.DB, *slog.Logger) (kv.Engine, error) { return mem.New(), nil },
			},
		}, []string{"dev"})
		in.Close()
	}()
	text := make([]byte, 4096)
	n, err := out.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	printed := regexp.MustCompile(`(?s)URL: +(https://127\.0\.0\.1:[0-9]+)\nFingerprint: +([0-9a-f]{64})\n.*Password: +(\w+)\n.*--provisioner-password-file '([^']+)'`).FindSubmatch(text[:n])
	if printed == nil {
		t.Fatalf("step-ca dev printed %q", text[:n])
	}
	password, err := os.ReadFile(string(printed[4]))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.TrimSpace(string(password)), string(printed[3]); got != want {
		t.Errorf("the password file has %q, printed was %q", got, want)
	}
	root := fetch(t, string(printed[1])+"/roots.pem")
	certs, err := keyfile.ParseCertificates("roots.pem", root)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := ca.Fingerprint(certs[0]), string(printed[2]); got != want {
		t.Errorf("the root has the fingerprint %s, printed was %s", got, want)
	}
	cancel()
	if got := <-code; got != 0 {
		t.Errorf("exit code %d", got)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// fetch gets a page of a CA whose root is not known yet.
func fetch(t *testing.T, url string) []byte {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr, Timeout: time.Minute}).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %v", url, resp.Status, err)
	}
	return body
}

// TestDevAddress refuses to serve others.
func TestDevAddress(t *testing.T) {
	t.Parallel()
	tests := []struct{ address, want string }{
		{"0.0.0.0:0", "serves this machine only"},
		{":8443", "serves this machine only"},
		{"[::]:8443", "serves this machine only"},
		{"ca.example.com:443", "serves this machine only"},
		{"127.0.0.1", "it must be host:port"},
		{"localhost", "it must be host:port"},
	}
	for _, tt := range tests {
		var stderr bytes.Buffer
		code := Main(t.Context(), &Env{Stdout: io.Discard, Stderr: &stderr, Getenv: func(string) string { return "" }}, []string{"dev", "--address", tt.address})
		if code != exitUsage || !strings.Contains(stderr.String(), tt.want) {
			t.Errorf("--address %s: exit code %d, %q, want %d and %q", tt.address, code, &stderr, exitUsage, tt.want)
		}
	}
	for _, address := range []string{"localhost:0", "127.0.0.1:8443", "127.1.2.3:1", "[::1]:0"} {
		if err := checkLoopback(address); err != nil {
			t.Errorf("checkLoopback(%q) = %v", address, err)
		}
	}
}
