package config_test

import (
	"bytes"
	"crypto/ed25519"
	"slices"
	"testing"
	texttemplate "text/template"

	"github.com/Masterminds/sprig/v3"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"stepca/config"
)

func sshKey(t *testing.T, seed byte) ssh.PublicKey {
	t.Helper()
	priv := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	key, err := ssh.NewPublicKey(priv.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// The default templates render to what clients of the reference expect.
func TestDefaultSSHTemplates(t *testing.T) {
	t.Parallel()
	host, user, other := sshKey(t, 1), sshKey(t, 2), sshKey(t, 3)
	line := func(k ssh.PublicKey) string { return string(bytes.TrimSpace(ssh.MarshalAuthorizedKey(k))) }
	step := map[string]any{"SSH": map[string]any{
		"HostKey": host, "UserKey": user,
		"HostFederatedKeys": []ssh.PublicKey{other}, "UserFederatedKeys": []ssh.PublicKey{},
	}}
	linux := map[string]string{"GOOS": "linux", "StepPath": "/h/.step", "StepBasePath": "/h/base"}
	windows := map[string]string{"GOOS": "windows", "StepPath": `C:\Users\x\.step`}
	full := map[string]string{"GOOS": "linux", "StepPath": "/p", "User": "ann", "Context": "c", "Console": "true", "Provisioner": "sso"}
	for _, tt := range []struct {
		name string
		user map[string]string
		want string
	}{
		{"config.tpl", linux, "Host *\n\tInclude \"/h/base/ssh/includes\""},
		{"config.tpl", windows, "Host *\n\tInclude \"/Users/x/.step/ssh/includes\""},
		{"step_includes.tpl", linux, `Include "/h/.step/ssh/config"`},
		{"step_includes.tpl", windows, `Include "/Users/x/.step/ssh/config"`},
		{"step_config.tpl", linux, "Match exec \"step ssh check-host %h\"\n\tUserKnownHostsFile \"/h/.step/ssh/known_hosts\"\n\tProxyCommand step ssh proxycommand %r %h %p\n"},
		{"step_config.tpl", full, "Match exec \"step ssh check-host --context c %h\"\n\tUser ann\n\tUserKnownHostsFile \"/p/ssh/known_hosts\"\n\tProxyCommand step ssh proxycommand --context c --console --provisioner sso %r %h %p\n"},
		{"step_config.tpl", windows, "Match exec \"step ssh check-host %h\"\n\tUserKnownHostsFile \"C:\\Users\\x\\.step\\ssh\\known_hosts\"\n\tProxyCommand C:\\Windows\\System32\\cmd.exe /c step ssh proxycommand %r %h %p\n"},
		{"known_hosts.tpl", linux, "@cert-authority * " + line(host) + "\n@cert-authority * " + line(other) + "\n"},
		{"sshd_config.tpl", map[string]string{"Certificate": "c.pub", "Key": "k"}, "Match all\n\tTrustedUserCAKeys /etc/ssh/ca.pub\n\tHostCertificate /etc/ssh/c.pub\n\tHostKey /etc/ssh/k"},
		{"ca.tpl", linux, line(user) + "\n"},
	} {
		text, err := config.DefaultSSHTemplateText(tt.name)
		if err != nil {
			t.Fatal(err)
		}
		tpl, err := texttemplate.New(tt.name).Funcs(sprig.TxtFuncMap()).Parse(string(text))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var got bytes.Buffer
		if err := tpl.Execute(&got, map[string]any{"Step": step, "User": tt.user}); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if d := cmp.Diff(tt.want, got.String()); d != "" {
			t.Errorf("%s for %v (-want +got):\n%s", tt.name, tt.user, d)
		}
	}
}

func TestDefaultSSHTemplatesHaveTexts(t *testing.T) {
	t.Parallel()
	tpl := config.DefaultSSHTemplates().SSH
	for _, e := range slices.Concat(tpl.User, tpl.Host) {
		if _, err := config.DefaultSSHTemplateText(e.Name); err != nil {
			t.Error(err)
		}
	}
}
