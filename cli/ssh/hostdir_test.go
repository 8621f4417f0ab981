package ssh

import (
	"testing"

	"stepca/api"
)

// The templates of every authority name the directory of a Unix system.
func TestForWindows(t *testing.T) {
	t.Parallel()
	dir := windowsHostDir(func(name string) string { return map[string]string{"ProgramData": `D:\Data`}[name] })
	for _, tt := range []struct{ path, content, wantPath, want string }{
		{
			"/etc/ssh/sshd_config", "Match all\n\tTrustedUserCAKeys /etc/ssh/ca.pub\n\tHostKey /etc/ssh/key",
			`D:\Data\ssh\sshd_config`, "Match all\n\tTrustedUserCAKeys __PROGRAMDATA__/ssh/ca.pub\n\tHostKey __PROGRAMDATA__/ssh/key",
		},
		{"/etc/ssh/sshd_config.d/step.conf", "x", `D:\Data\ssh\sshd_config.d\step.conf`, "x"},
		{`C:\own\ca.pub`, "ssh-ed25519 AAAA", `C:\own\ca.pub`, "ssh-ed25519 AAAA"},
	} {
		got := forWindows(api.SSHTemplate{Path: tt.path, Content: []byte(tt.content)}, dir)
		if got.Path != tt.wantPath || string(got.Content) != tt.want {
			t.Errorf("forWindows(%q) = %q with %q, want %q with %q", tt.path, got.Path, got.Content, tt.wantPath, tt.want)
		}
	}
	if got, want := windowsHostDir(func(string) string { return "" }), `C:\ProgramData\ssh\`; got != want {
		t.Errorf("the directory is %q without the variable, want %q", got, want)
	}
}
