package command

import (
	"os"
	"path/filepath"

	"stepca/config"
	"stepca/config/pki"
)

// firstStart makes the CA of a container that starts with an empty volume, if
// DOCKER_STEPCA_INIT_NAME and DOCKER_STEPCA_INIT_DNS_NAMES say what to make (with
// one of them alone it says what is missing) and the configuration that is served is
// the one of the step path. At this start and
// later ones the password that was left for the server is used, unless a flag
// names another.
func (f *serveFlags) firstStart(env *Env, path config.StepPath, args []string) error {
	if env.Getenv("DOCKER_STEPCA_INIT_NAME") == "" && env.Getenv("DOCKER_STEPCA_INIT_DNS_NAMES") == "" {
		return nil
	}
	if len(args) > 0 && filepath.Clean(args[0]) != path.CAConfig() {
		return nil
	}
	first := pki.FirstStart{Path: path, Getenv: env.Getenv, Stdout: env.Stdout, Stderr: env.Stderr}
	if _, err := first.Run(); err != nil {
		return &exitError{exitFatal, err}
	}
	if f.passwordFile != "" {
		return nil
	}
	name := env.Getenv("PWDPATH")
	if name == "" {
		name = filepath.Join(path.Dir(), "secrets", "password")
	}
	if _, err := os.Stat(name); err == nil {
		f.passwordFile = name
	}
	return nil
}
