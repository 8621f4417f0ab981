package ssh

import (
	"bytes"
	"cmp"
	"runtime"
	"strings"

	"stepca/api"
	"stepca/cli"
)

// unixHostDir is where sshd keeps its files, and what authorities write into the
// templates for hosts, whatever system they run.
const unixHostDir = "/etc/ssh/"

// hostDir is where sshd keeps its files on this system, with a separator at the
// end.
func hostDir(env *cli.Env) string {
	if runtime.GOOS != "windows" {
		return unixHostDir
	}
	return windowsHostDir(env.Getenv)
}

// windowsHostDir is that of OpenSSH for Windows.
func windowsHostDir(getenv func(string) string) string {
	return cmp.Or(getenv("ProgramData"), `C:\ProgramData`) + `\ssh\`
}

// forHost makes templates for hosts those of this system.
func forHost(env *cli.Env, templates []api.SSHTemplate) []api.SSHTemplate {
	if runtime.GOOS != "windows" {
		return templates
	}
	moved := make([]api.SSHTemplate, len(templates))
	for i, t := range templates {
		moved[i] = forWindows(t, windowsHostDir(env.Getenv))
	}
	return moved
}

// forWindows moves a template from the directory of a Unix system to dir. Inside
// of its files OpenSSH for Windows calls that __PROGRAMDATA__/ssh.
func forWindows(t api.SSHTemplate, dir string) api.SSHTemplate {
	if name, ok := strings.CutPrefix(t.Path, unixHostDir); ok {
		t.Path = dir + strings.ReplaceAll(name, "/", `\`)
	}
	t.Content = bytes.ReplaceAll(t.Content, []byte(unixHostDir), []byte("__PROGRAMDATA__/ssh/"))
	return t
}
