package pki

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"stepca/config"
	"stepca/keyfile"
)

// A FirstStart makes a CA when a container starts with an empty volume, from
// DOCKER_STEPCA_INIT_… variables.
type FirstStart struct {
	Path   config.StepPath
	Getenv func(string) string
	Stdout io.Writer // passwords that were generated, once
	Stderr io.Writer // what is made

	StoreAdmin func(c *config.Config, provisioners []json.RawMessage, subject string) error // as in Options
	Now        func() time.Time                                                             // nil means time.Now
}

// dockerSecrets is where containers find what is not for their environment.
const dockerSecrets = "/run/secrets"

// Run makes the CA and reports whether it did: it does nothing if there is a
// configuration (the file in CONFIGPATH, or that of the step path), and says
// what is missing if the name or the DNS names are not given. The password of
// the keys is left in the file in PWDPATH, by default secrets/password, for the
// server to use.
func (f *FirstStart) Run() (made bool, err error) {
	if _, err := os.Stat(f.variable("CONFIGPATH", f.Path.CAConfig())); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	name, dns := f.setting("NAME", ""), f.setting("DNS_NAMES", "")
	if name == "" || dns == "" {
		_, err := io.WriteString(f.Stderr, "There is no ca.json. Mount one, run step ca init, or set DOCKER_STEPCA_INIT_NAME and DOCKER_STEPCA_INIT_DNS_NAMES to have a CA made.\n")
		return false, err
	}
	opts, generated, err := f.options(name, dns)
	if err != nil {
		return false, err
	}
	p, err := New(*opts)
	if err != nil {
		return false, err
	}
	passwordFile := f.variable("PWDPATH", filepath.Join(f.Path.Dir(), "secrets", "password"))
	result, err := p.writeWith(file{passwordFile, append(opts.Password.Reveal(), '\n'), keyfile.SecretPerm})
	if err != nil {
		return false, err
	}
	if err := result.Fprint(f.Stderr); err != nil {
		return true, err
	}
	return true, f.tell(opts, generated)
}

// tell shows what nobody could know otherwise.
func (f *FirstStart) tell(opts *Options, generated bool) error {
	text := ""
	if opts.RemoteManagement {
		text += fmt.Sprintf("\n👉 Your CA administrative username is: %s\n", opts.AdminSubject)
	}
	if generated {
		text += fmt.Sprintf("👉 Your CA administrative password is: %s\n🤫 This will only be displayed once.\n", opts.ProvisionerPassword.Reveal())
	}
	_, err := io.WriteString(f.Stdout, text)
	return err
}

// options reads the variables. generated says that the passwords are new.
func (f *FirstStart) options(name, dns string) (opts *Options, generated bool, err error) {
	opts = &Options{
		Path:             f.Path,
		Name:             name,
		DNSNames:         []string{dns},
		Address:          f.setting("ADDRESS", ":9000"),
		Provisioner:      f.setting("PROVISIONER_NAME", "admin"),
		CAURL:            f.setting("WITH_CA_URL", ""),
		DeploymentType:   f.setting("DEPLOYMENT_TYPE", ""),
		SSH:              f.isTrue("SSH"),
		ACME:             f.isTrue("ACME"),
		RemoteManagement: f.isTrue("REMOTE_MANAGEMENT"),
		StoreAdmin:       f.StoreAdmin,
		Progress:         f.Stderr,
		Now:              f.Now,
	}
	if opts.RemoteManagement {
		opts.AdminSubject = f.setting("ADMIN_SUBJECT", DefaultAdminSubject)
	}
	if opts.Root, err = f.root(); err != nil {
		return nil, false, err
	}
	generated, err = f.passwords(opts)
	return opts, generated, err
}

// passwords sets those of the keys and of the provisioner: the given one for
// both, or a new one for each.
func (f *FirstStart) passwords(opts *Options) (generated bool, err error) {
	if name := f.setting("PASSWORD_FILE", ""); name != "" {
		password, err := keyfile.LoadPassword(name)
		opts.Password = keyfile.NewSecret(password)
		return false, err
	}
	if password := f.setting("PASSWORD", ""); password != "" {
		opts.Password = keyfile.NewSecret([]byte(password))
		return false, nil
	}
	if opts.Password, err = RandomPassword(generatedLength); err != nil {
		return false, err
	}
	opts.ProvisionerPassword, err = RandomPassword(generatedLength)
	return true, err
}

// generatedLength is the length of passwords made for containers.
const generatedLength = 40

// root returns the root to use, nil if none is there.
func (f *FirstStart) root() (*ExistingRoot, error) {
	cert, key := f.secret("ROOT_FILE", "root_ca.crt"), f.secret("KEY_FILE", "root_ca_key")
	switch {
	case cert == "" && key == "":
		return nil, nil
	case key == "":
		return nil, fmt.Errorf("DOCKER_STEPCA_INIT_ROOT_FILE requires DOCKER_STEPCA_INIT_KEY_FILE: there is a root certificate, %s, and no key", cert)
	case cert == "":
		return nil, fmt.Errorf("DOCKER_STEPCA_INIT_KEY_FILE requires DOCKER_STEPCA_INIT_ROOT_FILE: there is a root key, %s, and no certificate", key)
	}
	root := &ExistingRoot{CertFile: cert, KeyFile: key}
	if name := f.secret("KEY_PASSWORD_FILE", "root_ca_key_password"); name != "" {
		root.Password = keyfile.PasswordFile(name)
	}
	return root, nil
}

// secret returns the file that a variable names, or else one among the
// container's secrets, "" if it does not exist.
func (f *FirstStart) secret(variable, name string) string {
	file := f.setting(variable, filepath.Join(dockerSecrets, name))
	if _, err := os.Stat(file); err != nil {
		return ""
	}
	return file
}

func (f *FirstStart) variable(name, value string) string {
	if v := f.Getenv(name); v != "" {
		return v
	}
	return value
}

// setting returns one of the variables that this is about.
func (f *FirstStart) setting(name, value string) string {
	return f.variable("DOCKER_STEPCA_INIT_"+name, value)
}

func (f *FirstStart) isTrue(name string) bool { return f.setting(name, "") == "true" }
