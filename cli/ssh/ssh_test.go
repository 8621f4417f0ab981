package ssh_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"stepca/cli/ca"
	"stepca/cli/certificate"
	"stepca/cli/clitest"
	"stepca/cli/ssh"
	"stepca/internal/catest"
	"stepca/internal/sockdir"
	"stepca/keyfile"
	"stepca/server/builtin"
	"stepca/server/command"
)

// TestMain makes the program of the tests be step, and under that name step-ca.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "step-ca" {
		os.Exit(command.Main(context.Background(), &command.Env{
			Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
			KMS: builtin.KeyManagers(), Engines: builtin.Engines(),
		}, os.Args[1:]))
	}
	clitest.Main(m, ca.Command, certificate.Command, ssh.Command)
}

// TestScript runs the scripts against one CA with SSH, which has the provisioners
// "admin", whose password is in password.txt, and "sshpop". The user is
// bootstrapped and has an ssh-agent. Scripts find these variables
//
//	CA_URL, CA_ROOT   of the CA
//	HOST_KEY          the line of the key that signs host certificates
//	USER_KEY          the line of the key that signs user certificates
func TestScript(t *testing.T) {
	authority := newCA(t, nil)
	clitest.Run(t, func(env *testscript.Env) error {
		env.Setenv("CA_URL", authority.URL)
		env.Setenv("CA_ROOT", authority.RootFile)
		env.Setenv("HOST_KEY", authority.hostKey)
		env.Setenv("USER_KEY", authority.userKey)
		if err := bootstrap(env.WorkDir, filepath.Join(env.WorkDir, "home"), authority); err != nil {
			return err
		}
		return startAgent(env)
	})
}

// An sshCA is a running CA with the keys that it signs SSH certificates with.
type sshCA struct {
	*catest.CA
	hostKey, userKey string // lines of authorized_keys, without a comment
}

// newCA runs a CA, with more in the object "ssh" of its configuration.
func newCA(t *testing.T, more map[string]any) *sshCA {
	t.Helper()
	authority := &sshCA{CA: catest.New(t, catest.Options{SSH: true, Edit: func(cfg map[string]any) {
		maps.Copy(cfg["ssh"].(map[string]any), more)
		a := cfg["authority"].(map[string]any)
		a["backdate"] = "0s"
		a["claims"] = map[string]any{"enableSSHCA": true, "minUserSSHCertDuration": "1s", "minHostSSHCertDuration": "1s"}
	}})}
	line := func(name string) string {
		pub, err := keyfile.LoadPublicKey(filepath.Join(authority.Dir, name), keyfile.Password{})
		if err != nil {
			t.Fatal(err)
		}
		line, err := keyfile.EncodeAuthorizedKey(pub, "")
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(line))
	}
	authority.hostKey, authority.userKey = line("ssh_host_ca_key"), line("ssh_user_ca_key")
	return authority
}

// bootstrap gives a home directory the files of step ca bootstrap, and the work
// directory the password of the provisioner "admin".
func bootstrap(work, home string, authority *sshCA) error {
	root, err := os.ReadFile(authority.RootFile)
	if err != nil {
		return err
	}
	defaults, err := json.Marshal(map[string]string{"ca-url": authority.URL, "fingerprint": authority.Fingerprint})
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{
		filepath.Join(home, ".step", "certs", "root_ca.crt"):    root,
		filepath.Join(home, ".step", "config", "defaults.json"): defaults,
		filepath.Join(work, "password.txt"):                     []byte(catest.Password + "\n"),
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// startAgent runs an ssh-agent for one script, if there is the program: scripts
// that need it say so.
func startAgent(env *testscript.Env) error {
	socket, stop, err := runAgent()
	if errors.Is(err, exec.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	env.Defer(stop)
	env.Setenv("SSH_AUTH_SOCK", socket)
	return nil
}

// runAgent runs ssh-agent until stop is called.
func runAgent() (socket string, stop func(), err error) {
	dir, err := sockdir.Make("agent")
	if err != nil {
		return "", nil, err
	}
	socket = filepath.Join(dir, "s")
	cmd := exec.Command("ssh-agent", "-D", "-a", socket)
	if err := cmd.Start(); err != nil {
		os.RemoveAll(dir)
		return "", nil, err
	}
	stop = func() {
		cmd.Process.Kill()
		cmd.Wait()
		os.RemoveAll(dir)
	}
	if !listens("unix", socket) {
		stop()
		return "", nil, errors.New("ssh-agent does not listen")
	}
	return socket, stop, nil
}

// listens waits for a server at an address.
func listens(network, address string) bool {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial(network, address); err == nil {
			conn.Close()
			return true
		}
	}
	return false
}
