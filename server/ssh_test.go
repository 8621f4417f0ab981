package server_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"stepca/config"
	"stepca/internal/catest"
	"stepca/keyfile"
	"stepca/kms"
	"stepca/kms/soft"
	"stepca/kv"
	"stepca/kv/mem"
	"stepca/server"
)

// TestSSHKeys opens SSH keys whose passwords are not that of the issuer's key.
func TestSSHKeys(t *testing.T) {
	t.Parallel()
	ca := catest.Prepare(t, catest.Options{SSH: true})
	encrypt := func(name, password string) {
		file := filepath.Join(ca.Dir, name)
		key, err := keyfile.LoadSigner(file, keyfile.Password{})
		if err != nil {
			t.Fatal(err)
		}
		pem, err := keyfile.EncodePrivateKey(key, keyfile.PKCS8, []byte(password))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, pem, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	encrypt("ssh_host_ca_key", "for hosts")
	encrypt("ssh_user_ca_key", "for users")
	open := func(host, user string) (string, error) {
		var out bytes.Buffer
		s, err := server.Open(t.Context(), server.Options{
			ConfigFile: ca.ConfigFile, StepPath: ca.Dir, Version: "test", Stderr: &out,
			Getenv:          func(string) string { return "" },
			SSHHostPassword: keyfile.NewSecret([]byte(host)), SSHUserPassword: keyfile.NewSecret([]byte(user)),
			KMS: kms.Registry{kms.Soft: soft.Open},
			Engines: map[string]server.EngineOpener{
				config.EngineMemory: func(context.Context, *config.DB, *slog.Logger) (kv.Engine, error) { return mem.New(), nil },
			},
		}, slog.New(slog.NewTextHandler(io.Discard, nil)))
		if err != nil {
			return "", err
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		return out.String(), s.Run(ctx)
	}
	banner, err := open("for hosts", "for users")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"Host", "User"} {
		if !regexp.MustCompile(`(?m)^\S+ \S+ SSH ` + kind + ` CA Key: ecdsa-sha2-nistp256 \S+$`).MatchString(banner) {
			t.Errorf("the banner does not show the %s key:\n%s", kind, banner)
		}
	}
	if _, err := open("for hosts", "wrong"); err == nil || !strings.Contains(err.Error(), "ssh.userKey") {
		t.Errorf("a wrong password: %v", err)
	}
}

// TestSSHReload turns the SSH CA off and on again while the server runs.
func TestSSHReload(t *testing.T) {
	t.Parallel()
	ca := catest.New(t, catest.Options{SSH: true})
	hc := ca.HTTP(nil)
	cfg := ca.ReadConfig()
	section := cfg["ssh"]
	for _, step := range []struct {
		name   string
		ssh    any
		status int
	}{{"as started", section, 200}, {"off", nil, 404}, {"on", section, 200}} {
		cfg["ssh"] = step.ssh
		ca.WriteConfig(cfg)
		if err := ca.Server.Reload(t.Context()); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		for _, path := range []string{"/ssh/roots", "/ssh/krl"} {
			if status, body := ca.Get(hc, path); status != step.status {
				t.Errorf("%s: GET %s: %d %s", step.name, path, status, body)
			}
		}
	}
}
