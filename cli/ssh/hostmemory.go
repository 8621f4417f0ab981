package ssh

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"stepca/cli"
	"stepca/keyfile"
)

// A hostMemory is the name of a file with the hosts that the authority knew when
// it was asked last, a name a line, the latest last. It answers for the authority
// when that is out of reach. No security rests on it: ssh trusts a host for its
// certificate.
type hostMemory string

// maxRemembered bounds the file. The names that were added first go first.
const maxRemembered = 1000

// rememberedHosts is the memory of the authority in use.
func rememberedHosts(env *cli.Env) hostMemory {
	return hostMemory(filepath.Join(env.Path.Dir(), "ssh", "hosts"))
}

// names are the hosts that are remembered; none if there is no such file.
func (m hostMemory) names() []string {
	data, err := os.ReadFile(string(m))
	if err != nil {
		return nil
	}
	return strings.Fields(string(data))
}

func (m hostMemory) has(host string) bool { return slices.Contains(m.names(), strings.ToLower(host)) }

// note takes down an answer of the authority. Only who has run step ssh config has
// use for it; without the directory of that nothing is written.
func (m hostMemory) note(host string, exists bool) error {
	host = strings.ToLower(host)
	names := m.names()
	at := slices.Index(names, host)
	switch {
	case (at >= 0) == exists:
		return nil
	case exists:
		names = append(names, host)
		names = names[max(0, len(names)-maxRemembered):]
	default:
		names = slices.Delete(names, at, at+1)
	}
	if info, err := os.Stat(filepath.Dir(string(m))); err != nil || !info.IsDir() {
		return nil
	}
	return keyfile.WriteFile(string(m), []byte(strings.Join(names, "\n")+"\n"), keyfile.SecretPerm)
}

// forget removes the file.
func (m hostMemory) forget() { os.Remove(string(m)) } //nolint:errcheck // most have none
