package pki_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stepca/config/pki"
)

// The YAML reads back as what it should say, by a parser that is not ours.
func TestHelm(t *testing.T) {
	t.Parallel()
	if err := exec.Command("python3", "-c", "import yaml").Run(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("python3-yaml is missing")
		}
		t.Skip("python3-yaml is missing")
	}
	o := options(t)
	o.SSH, o.DNSNames, o.Address, o.Provisioner = true, []string{"::1", "10.0.0.1"}, ":9000", `p: "#1`
	p, err := pki.New(o)
	if err != nil {
		t.Fatal(err)
	}
	values, err := p.Helm()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(o.Path.Dir()); err == nil {
		t.Error("something was written")
	}
	cmd := exec.Command("python3", "-c", "import json,sys,yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)")
	cmd.Stdin = strings.NewReader(string(values))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, values)
	}
	var got struct {
		Inject struct {
			Config struct {
				Files map[string]map[string]any
			}
			Certificates map[string]string
			Secrets      struct{ X509, SSH map[string]string }
		}
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	ca := got.Inject.Config.Files["ca.json"]
	var provisioners []any
	for _, raw := range p.Provisioners {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		provisioners = append(provisioners, v)
	}
	want := map[string]any{
		"root": "/home/step/certs/root_ca.crt", "federatedRoots": []any{}, "crt": "/home/step/certs/intermediate_ca.crt",
		"key":     "/home/step/secrets/intermediate_ca_key",
		"ssh":     map[string]any{"hostKey": "/home/step/secrets/ssh_host_ca_key", "userKey": "/home/step/secrets/ssh_user_ca_key"},
		"address": ":9000", "dnsNames": []any{"::1", "10.0.0.1"}, "logger": map[string]any{"format": "json"},
		"db":        map[string]any{"type": "pebble", "dataSource": "/home/step/db"},
		"authority": map[string]any{"enableAdmin": false, "provisioners": provisioners},
		"tls": map[string]any{"cipherSuites": []any{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
			"minVersion": 1.2, "maxVersion": 1.3, "renegotiation": false},
	}
	if d := cmp.Diff(want, ca); d != "" {
		t.Errorf("ca.json (-want +got):\n%s", d)
	}
	wantDefaults := map[string]any{"ca-url": "https://[::1]", "ca-config": "/home/step/config/ca.json",
		"fingerprint": p.Fingerprint(), "root": "/home/step/certs/root_ca.crt"}
	if d := cmp.Diff(wantDefaults, got.Inject.Config.Files["defaults.json"]); d != "" {
		t.Errorf("defaults.json (-want +got):\n%s", d)
	}
	for name, text := range map[string]string{
		"root_ca": got.Inject.Certificates["root_ca"], "intermediate_ca": got.Inject.Certificates["intermediate_ca"],
		"root_ca_key": got.Inject.Secrets.X509["root_ca_key"], "intermediate_ca_key": got.Inject.Secrets.X509["intermediate_ca_key"],
		"host_ca_key": got.Inject.Secrets.SSH["host_ca_key"], "user_ca_key": got.Inject.Secrets.SSH["user_ca_key"],
	} {
		if !strings.HasPrefix(text, "-----BEGIN ") || !strings.HasSuffix(text, "-----\n") {
			t.Errorf("%s is %q", name, text)
		}
	}
	if !strings.HasPrefix(got.Inject.Certificates["ssh_user_ca"], "ecdsa-sha2-nistp256 ") {
		t.Errorf("ssh_user_ca is %q", got.Inject.Certificates["ssh_user_ca"])
	}
}
