package template

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"stepca/ca"
)

func readFrom(texts map[string]string) func(SSHFile) ([]byte, error) {
	return func(f SSHFile) ([]byte, error) {
		text, ok := texts[f.Template]
		if !ok {
			return nil, fmt.Errorf("no such file")
		}
		return []byte(text), nil
	}
}

func TestSSHConfig(t *testing.T) {
	t.Parallel()
	host, federated := sshKey(t).PublicKey(), sshKey(t).PublicKey()
	line := func(k ssh.PublicKey) string { return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k))) }
	config, err := NewSSHConfig(
		[]SSHFile{
			{Name: "known_hosts.tpl", Type: "file", Template: "k", Path: "ssh/known_hosts"},
			{Name: "step_includes.tpl", Type: "prepend-line", Template: "i", Path: "${STEPPATH}/ssh/includes", Comment: ";"},
			{Name: "dir", Type: "directory", Path: "d"},
		},
		[]SSHFile{{Name: "sshd_config.tpl", Type: "snippet", Template: "s", Path: "/etc/ssh/sshd_config"}},
		map[string]any{"Bastion": "b"},
		readFrom(map[string]string{
			"k": `{{ range concat (list .Step.SSH.HostKey) .Step.SSH.HostFederatedKeys }}@cert-authority * {{ .Type }} {{ .Marshal | toString | b64enc }}` + "\n{{ end }}",
			"i": `Include "{{ .User.StepPath }}/ssh/config" {{ .Bastion }}`,
			"s": `{{ .User.Certificate }} {{ .User.Key }}{{ if .Step.SSH.UserKey }}!{{ end }}`,
		}))
	if err != nil {
		t.Fatal(err)
	}
	keys := SSHKeys{HostKey: host, HostFederatedKeys: []ssh.PublicKey{federated}}
	got, err := config.Render(ca.SSHUser, keys, map[string]string{"StepPath": "/p", "StepSSHTemplateVersion": "v2"})
	if err != nil {
		t.Fatal(err)
	}
	want := []SSHConfigFile{
		{Name: "known_hosts.tpl", Type: "file", Path: "ssh/known_hosts", Comment: "#",
			Content: []byte("@cert-authority * " + line(host) + "\n@cert-authority * " + line(federated) + "\n")},
		{Name: "step_includes.tpl", Type: "prepend-line", Path: "${STEPPATH}/ssh/includes", Comment: ";", Content: []byte(`Include "/p/ssh/config" b`)},
		{Name: "dir", Type: "directory", Path: "d"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got, err = config.Render(ca.SSHUser, keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	old := SSHConfigFile{Name: "step_includes.tpl", Type: "file", Path: "ssh/includes", Comment: ";", Content: []byte(`Include "<no value>/ssh/config" b`)}
	if diff := cmp.Diff(old, got[1]); diff != "" {
		t.Errorf("for an old client: %s", diff)
	}

	if got, err = config.Render(ca.SSHHost, keys, map[string]string{"Certificate": "c", "Key": "k"}); err != nil || string(got[0].Content) != "c k" {
		t.Errorf("host files = %+v, %v", got, err)
	}
	for typ, want := range map[ca.SSHCertType]string{
		ca.SSHHost: "required variable 'Certificate' is missing, please use `--set <key=value>` flag",
		"x":        "invalid type 'x'",
	} {
		_, err := config.Render(typ, keys, map[string]string{"Key": "k"})
		if shown, ok := errors.AsType[*ca.Error](err); !ok || shown.Detail != want || !errors.Is(err, ca.ErrMalformed) {
			t.Errorf("Render(%s) = %v, want %q", typ, err, want)
		}
	}
}

func TestSSHConfigFaults(t *testing.T) {
	t.Parallel()
	valid := SSHFile{Name: "n", Type: "file", Template: "t", Path: "p"}
	tests := []struct {
		change func(*SSHFile)
		data   map[string]any
		want   string
	}{
		{func(f *SSHFile) { f.Name = "" }, nil, "template name cannot be empty"},
		{func(f *SSHFile) { f.Type = "line" }, nil, "invalid template type line, it must be snippet, prepend-line, file, or directory"},
		{func(f *SSHFile) { f.Template = "" }, nil, "template template cannot be empty"},
		{func(f *SSHFile) { f.Type = "directory" }, nil, "template template must be empty with directory type"},
		{func(f *SSHFile) { f.Path = "" }, nil, "template path cannot be empty"},
		{func(f *SSHFile) { f.Template = "missing" }, nil, "error reading missing: no such file"},
		{func(f *SSHFile) { f.Template = "bad" }, nil, `function "env" not defined`},
		{func(*SSHFile) {}, map[string]any{"Step": 1}, "templates variables cannot contain 'Step' as a property"},
		{func(*SSHFile) {}, map[string]any{"User": 1}, "templates variables cannot contain 'User' as a property"},
	}
	for _, tt := range tests {
		f := valid
		tt.change(&f)
		_, err := NewSSHConfig(nil, []SSHFile{f}, tt.data, readFrom(map[string]string{"t": "x", "bad": `{{ env "HOME" }}`}))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error = %v, want one with %q", err, tt.want)
		}
	}
}
