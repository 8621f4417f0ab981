package ca_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"stepca/cli/ca"
	"stepca/cli/clitest"
	"stepca/internal/catest"
)

// TestMain runs more tests at once than there are processors, unless -parallel says
// otherwise: most of the time they wait, for the verdicts of ACME servers and for
// certificates to expire.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	clitest.Main(m, ca.Command)
}

// TestScript runs the scripts against one CA, which has three provisioners:
// "admin", "short", whose certificates may live for a second, and "acme". The
// user is bootstrapped. Scripts find these variables
//
//	CA_URL, CA_ROOT, CA_FINGERPRINT   of the CA
//	CA_KID                            key ID of "admin" and "short"
//
// and the password of both in the file password.txt.
func TestScript(t *testing.T) {
	authority := catest.New(t, catest.Options{Edit: func(cfg map[string]any) {
		authority := cfg["authority"].(map[string]any)
		admin := authority["provisioners"].([]any)[0].(map[string]any)
		short := map[string]any{
			"type": "JWK", "name": "short", "key": admin["key"], "encryptedKey": admin["encryptedKey"],
			"claims": map[string]any{"minTLSCertDuration": "1s", "allowRenewalAfterExpiry": true},
		}
		authority["provisioners"] = []any{admin, short, map[string]any{"type": "ACME", "name": "acme"}}
		authority["backdate"] = "0s"
	}})
	clitest.Run(t, func(env *testscript.Env) error {
		env.Setenv("CA_URL", authority.URL)
		env.Setenv("CA_ROOT", authority.RootFile)
		env.Setenv("CA_FINGERPRINT", authority.Fingerprint)
		env.Setenv("CA_KID", authority.Key.KeyID)
		return bootstrapped(env, authority)
	})
}

// bootstrapped gives the user of a script the files of step ca bootstrap.
func bootstrapped(env *testscript.Env, authority *catest.CA) error {
	root, err := os.ReadFile(authority.RootFile)
	if err != nil {
		return err
	}
	defaults, err := json.Marshal(map[string]string{"ca-url": authority.URL, "fingerprint": authority.Fingerprint})
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{
		filepath.Join("home", ".step", "certs", "root_ca.crt"):    root,
		filepath.Join("home", ".step", "config", "defaults.json"): defaults,
		"password.txt": []byte(catest.Password + "\n"),
	} {
		name = filepath.Join(env.WorkDir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			return err
		}
	}
	return nil
}
