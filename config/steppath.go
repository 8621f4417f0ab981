package config

import (
	"errors"
	"os/user"
	"path/filepath"
)

// A StepPath locates the files of one user: the base directory, and the
// authority and profile directories of the context in use. It is a value that
// only knows names; nothing is read or created.
type StepPath struct {
	Home    string  // home directory of the user
	Base    string  // $STEPPATH, or .step in the home directory; lexically clean
	Context Context // the context in use; the zero Context means contexts are not used
}

// NewStepPath finds the home and base directories from the environment, without
// a context. The error is that neither HOME nor the user database names a home
// directory.
func NewStepPath(getenv func(string) string) (StepPath, error) {
	home := getenv("HOME")
	if home == "" {
		u, err := user.Current()
		if err != nil || u.HomeDir == "" {
			return StepPath{}, errors.New("error obtaining home directory, please define environment variable HOME")
		}
		home = u.HomeDir
	}
	base := getenv("STEPPATH")
	if base == "" {
		base = filepath.Join(home, ".step")
	}
	return StepPath{Home: home, Base: filepath.Clean(base)}, nil
}

// Dir is the directory of the authority: the base directory without contexts,
// else authorities/NAME below it.
func (p StepPath) Dir() string {
	if p.Context.Authority == "" {
		return p.Base
	}
	return filepath.Join(p.Base, "authorities", p.Context.Authority)
}

// ProfileDir is the directory of the profile: the base directory without
// contexts, else profiles/NAME below it.
func (p StepPath) ProfileDir() string {
	if p.Context.Profile == "" {
		return p.Base
	}
	return filepath.Join(p.Base, "profiles", p.Context.Profile)
}

// Defaults is the file with default flag values of the authority.
func (p StepPath) Defaults() string { return filepath.Join(p.Dir(), "config", "defaults.json") }

// ProfileDefaults is the file with default flag values of the profile, which
// override those of the authority. Without contexts it is the same file.
func (p StepPath) ProfileDefaults() string {
	return filepath.Join(p.ProfileDir(), "config", "defaults.json")
}

// CAConfig is the configuration file of the server.
func (p StepPath) CAConfig() string { return filepath.Join(p.Dir(), "config", "ca.json") }

// Root is the file with the root certificates to trust.
func (p StepPath) Root() string { return filepath.Join(p.Dir(), "certs", "root_ca.crt") }

// Identity is the file that describes the client's own TLS identity.
func (p StepPath) Identity() string { return filepath.Join(p.Dir(), "config", "identity.json") }

// Plugins is the directory searched for step-NAME-plugin programs before PATH.
func (p StepPath) Plugins() string { return filepath.Join(p.Base, "plugins") }
