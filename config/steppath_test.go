package config

import (
	"path/filepath"
	"testing"
)

func getenv(environ map[string]string) func(string) string {
	return func(name string) string { return environ[name] }
}

func TestStepPath(t *testing.T) {
	t.Parallel()
	home := filepath.FromSlash("/home/user")
	tests := []struct {
		name         string
		environ      map[string]string
		context      Context
		base         string
		dir, profile string
		defaults     string
	}{
		{
			"in the home directory", map[string]string{"HOME": home}, Context{},
			"/home/user/.step", "/home/user/.step", "/home/user/.step",
			"/home/user/.step/config/defaults.json",
		},
		{
			"STEPPATH, cleaned", map[string]string{"HOME": home, "STEPPATH": "/a/../b//c/"}, Context{},
			"/b/c", "/b/c", "/b/c", "/b/c/config/defaults.json",
		},
		{
			"with a context", map[string]string{"HOME": home}, Context{Name: "n", Authority: "a", Profile: "p"},
			"/home/user/.step", "/home/user/.step/authorities/a", "/home/user/.step/profiles/p",
			"/home/user/.step/authorities/a/config/defaults.json",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p, err := NewStepPath(getenv(test.environ))
			if err != nil {
				t.Fatal(err)
			}
			p.Context = test.context
			for _, check := range []struct{ what, got, want string }{
				{"Base", p.Base, test.base},
				{"Dir", p.Dir(), test.dir},
				{"ProfileDir", p.ProfileDir(), test.profile},
				{"Defaults", p.Defaults(), test.defaults},
				{"Root", p.Root(), test.dir + "/certs/root_ca.crt"},
				{"CAConfig", p.CAConfig(), test.dir + "/config/ca.json"},
				{"Identity", p.Identity(), test.dir + "/config/identity.json"},
				{"ProfileDefaults", p.ProfileDefaults(), test.profile + "/config/defaults.json"},
				{"Plugins", p.Plugins(), test.base + "/plugins"},
			} {
				if filepath.ToSlash(check.got) != check.want {
					t.Errorf("%s = %q, want %q", check.what, check.got, check.want)
				}
			}
		})
	}
}
