// Package cleanenv is the environment for programs that tests start: that of the
// tests without the settings of whoever runs them, which would send the programs to
// another CA, through a proxy that is not for loopback, or to another SSH agent.
package cleanenv

import (
	"os"
	"slices"
	"strings"
)

// prefixes of the variables that are left out, in upper case.
var prefixes = []string{
	"STEP", "DOCKER_STEPCA", // settings of our programs
	"HTTP_PROXY=", "HTTPS_PROXY=", "ALL_PROXY=", "NO_PROXY=", // also in lower case
	"SSH_AUTH_SOCK=", "SSH_AGENT_PID=",
	"NOTIFY_SOCKET=", "WATCHDOG_", "LISTEN_", // of a service manager
	"LANG=", "LANGUAGE=", "LC_", // tests read what programs say
}

// Environ is os.Environ without those settings, in the language C.
func Environ() []string {
	env := slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(strings.ToUpper(variable), prefix) })
	})
	return append(env, "LC_ALL=C.UTF-8")
}
