package kms_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"stepca/cli"
	"stepca/cli/clitest"
	commands "stepca/cli/kms"
	"stepca/internal/tpmtest"
	"stepca/keyfile"
	"stepca/kms"
	"stepca/kms/soft"
	"stepca/kms/tpm"
)

// What needs no answers is in the scripts of cmd/step.

func newSession(t *testing.T) *clitest.Session {
	t.Helper()
	return &clitest.Session{
		Commands: []cli.Command{commands.Command},
		Environ:  map[string]string{"STEPPATH": t.TempDir(), "PATH": ""},
		KMS:      kms.Registry{kms.TPM: tpm.Open, kms.Soft: soft.Open},
	}
}

func succeed(t *testing.T, s *clitest.Session, args ...string) string {
	t.Helper()
	r := s.Run(t, args...)
	if r.Code != 0 {
		t.Fatalf("step %s: exit code %d\n%s", strings.Join(args, " "), r.Code, r.Stderr)
	}
	return r.Stdout
}

// keys are the URIs of the keys in the TPM.
func keys(t *testing.T, s *clitest.Session) string {
	t.Helper()
	var list struct {
		Keys []struct{ Name, PublicKey string }
	}
	if err := json.Unmarshal([]byte(succeed(t, s, "kms", "search", "tpmkms:", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, key := range list.Keys {
		if _, err := keyfile.ParsePublicKey(key.Name, []byte(key.PublicKey), keyfile.Password{}); err != nil {
			t.Error(err)
		}
		names = append(names, key.Name)
	}
	return strings.Join(names, " ")
}

func TestDelete(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	if got := keys(t, s); got != "" {
		t.Errorf("keys before there is one: %s", got)
	}
	const key = "tpmkms:name=web"
	succeed(t, s, "kms", "create", key, "--kms", "tpmkms:device="+tpmtest.New(t, false))
	for _, yes := range []bool{false, true} {
		s.Answers = []any{yes}
		succeed(t, s, "kms", "delete", key)
		want := key
		if yes {
			want = ""
		}
		if got := keys(t, s); got != want {
			t.Errorf("after the answer %t the keys are %q, want %q", yes, got, want)
		}
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	file := filepath.Join(t.TempDir(), "web.key")
	s.Answers = []any{[]byte("secret")}
	made := succeed(t, s, "kms", "create", "softkms:"+file)
	if _, err := keyfile.LoadSigner(file, keyfile.FixedPassword([]byte("secret"))); err != nil {
		t.Error(err)
	}
	s.Answers = []any{[]byte("secret")}
	if got := succeed(t, s, "kms", "key", "softkms:"+file); got != made {
		t.Errorf("step kms key printed\n%s, want\n%s", got, made)
	}
	s.Answers = nil
	for _, args := range [][]string{
		{"kms", "delete", "softkms:" + file, "--force"},
		{"kms", "search", "softkms:"},
	} {
		if r := s.Run(t, args...); r.Code != 1 || !strings.Contains(r.Stderr, "is not supported") {
			t.Errorf("step %s: exit code %d\n%s", strings.Join(args, " "), r.Code, r.Stderr)
		}
	}
}
