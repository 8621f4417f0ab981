package cleanenv

import (
	"os"
	"slices"
	"testing"
)

func TestEnviron(t *testing.T) {
	for _, name := range []string{"STEPPATH", "STEP_CA_URL", "http_proxy", "HTTPS_PROXY", "SSH_AUTH_SOCK", "LISTEN_FDS", "LC_MESSAGES"} {
		t.Setenv(name, "of a user")
	}
	t.Setenv("CLEANENV_TEST", "of a user")
	env := Environ()
	for _, variable := range env {
		if variable != "CLEANENV_TEST=of a user" && len(variable) > 10 && variable[len(variable)-10:] == "=of a user" {
			t.Errorf("%s is there", variable)
		}
	}
	for _, want := range []string{"CLEANENV_TEST=of a user", "LC_ALL=C.UTF-8", "PATH=" + os.Getenv("PATH")} {
		if !slices.Contains(env, want) {
			t.Errorf("%s is not there", want)
		}
	}
}
