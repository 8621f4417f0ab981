package pki

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"stepca/ca"
	"stepca/config"
	"stepca/keyfile"
)

// Validity is how long a new root is good, and an intermediate unless its root
// ends before.
const Validity = 10 * 365 * 24 * time.Hour

// DefaultAdminSubject is the subject of the first super administrator.
const DefaultAdminSubject = "step"

// Options say what to make. Name, Password and, unless PKIOnly is set,
// DNSNames, Address and Provisioner are required.
type Options struct {
	// Path is where the files go. Its context, if it has one, is defined and
	// made the current one.
	Path config.StepPath

	Name        string   // of the organization, in the subject names
	DNSNames    []string // names and IP addresses by which clients reach the CA
	Address     string   // host:port to listen on
	Provisioner string   // name of the first provisioner, a JWK
	CAURL       string   // for clients; "" makes one of the first name and the port

	// Password encrypts the keys of the CA, ProvisionerPassword that of the
	// first provisioner; zero means Password. Neither may be empty.
	Password            keyfile.Secret
	ProvisionerPassword keyfile.Secret

	// KeySpec is the kind of the X.509 and SSH keys; the zero value is EC P-256.
	KeySpec keyfile.KeySpec

	PKIOnly    bool // certificates and keys, no configuration
	SSH        bool // keys, templates and a provisioner for SSH
	ACME       bool // a provisioner for ACME
	NoDatabase bool

	// RemoteManagement keeps the provisioners in the database. AdminSubject is
	// the first super administrator; "" means DefaultAdminSubject.
	RemoteManagement bool
	AdminSubject     string

	// StoreAdmin puts the provisioners and the first super administrator, who
	// belongs to the first of them, in the database that c configures. Without
	// it they stay in ca.json, there is no administrator, and the result says so.
	StoreAdmin func(c *config.Config, provisioners []json.RawMessage, subject string) error

	Root *ExistingRoot          // nil: a root is made
	KMS  *KMS                   // nil: keys are files
	RA   *RegistrationAuthority // nil: the CA signs itself

	// DeploymentType is standalone (also ""); the others need a service that
	// this project does not have.
	DeploymentType string

	// Overwrite decides about a file that exists; nil refuses. It is asked
	// before anything is written.
	Overwrite func(file string) (bool, error)

	Progress io.Writer        // what is being done, for people; nil discards
	Now      func() time.Time // nil means time.Now
}

// An ExistingRoot is a root to sign the intermediate with. The certificate is
// copied, the key is not.
type ExistingRoot struct {
	CertFile, KeyFile string
	Password          keyfile.Password
}

// A KMS makes keys that are not files.
type KMS struct {
	Config *config.KMS

	// Names of the keys, for CreateKey and for ca.json.
	Root, Intermediate, SSHHost, SSHUser string

	// CreateKey makes a key of that name.
	CreateKey func(name string, spec keyfile.KeySpec) (crypto.Signer, error)
}

// A RegistrationAuthority has its certificates signed by another CA of this
// kind.
type RegistrationAuthority struct {
	URL         string
	Fingerprint string // SHA-256 of the root, hexadecimal
	Provisioner string // JWK provisioner there

	// FetchRoot gets that root. New checks the fingerprint.
	FetchRoot func(url, fingerprint string) (*x509.Certificate, error)
}

func (o *Options) withDefaults() (*Options, error) {
	c := *o
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Progress == nil {
		c.Progress = io.Discard
	}
	if c.AdminSubject == "" {
		c.AdminSubject = DefaultAdminSubject
	}
	if c.ProvisionerPassword.IsZero() {
		c.ProvisionerPassword = c.Password
	}
	c.DNSNames = config.SplitNames(strings.Join(c.DNSNames, ","))
	if err := c.checkDeployment(); err != nil {
		return nil, err
	}
	return &c, errors.Join(c.checkNames(), c.checkPasswords(), c.checkCombination())
}

func (o *Options) checkDeployment() error {
	switch strings.ToLower(o.DeploymentType) {
	case "", "standalone":
		return nil
	case "linked", "hosted":
		return fmt.Errorf("deployment type %q needs a hosted service that is not part of this software; use 'standalone', with remote management for provisioners in a database", strings.ToLower(o.DeploymentType))
	}
	return fmt.Errorf("deployment type %q is unknown; use 'standalone'", o.DeploymentType)
}

func (o *Options) checkNames() error {
	if o.Name == "" && o.RA == nil {
		return errors.New("name must not be empty")
	}
	if o.PKIOnly {
		return nil
	}
	if len(o.DNSNames) == 0 {
		return errors.New("dns must not be empty")
	}
	for _, name := range o.DNSNames {
		if err := checkHost(name); err != nil {
			return err
		}
	}
	if _, _, err := net.SplitHostPort(o.Address); err != nil {
		return fmt.Errorf("%s is not an TCP address", o.Address)
	}
	if o.Provisioner == "" {
		return errors.New("provisioner must not be empty")
	}
	if o.CAURL != "" {
		if u, err := url.Parse(o.CAURL); err != nil || u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("the CA URL %q is not of the form https://host[:port]", o.CAURL)
		}
	}
	return nil
}

// checkHost returns an error unless name is a DNS name or IP address.
func checkHost(name string) error {
	id := ca.ParseSAN(name)
	if id.Type != ca.IP {
		id.Type = ca.DNS
	}
	return id.Validate()
}

func (o *Options) checkPasswords() error {
	// A KMS guards its keys itself, and a registration authority has none.
	needsPassword := !o.PKIOnly || o.KMS == nil
	if needsPassword && len(o.Password.Reveal()) == 0 {
		return errors.New("a password for the keys is required")
	}
	if len(o.ProvisionerPassword.Reveal()) == 0 && !o.PKIOnly {
		return errors.New("a password for the key of the provisioner is required")
	}
	return nil
}

func (o *Options) checkCombination() error {
	for _, c := range []struct {
		both bool
		a, b string
	}{
		{o.RA != nil && o.KMS != nil, "kms", "ra"},
		{o.PKIOnly && o.NoDatabase, "pki", "no-db"},
		{o.RemoteManagement && o.NoDatabase, "remote-management", "no-db"},
		{o.ACME && o.NoDatabase, "acme", "no-db"},
		{o.RA != nil && o.PKIOnly, "pki", "ra"},
		{o.RA != nil && o.Root != nil, "root", "ra"},
		{o.KMS != nil && o.Root != nil, "root", "kms"},
	} {
		if c.both {
			return fmt.Errorf("flag '--%s' is incompatible with '--%s'", c.a, c.b)
		}
	}
	switch {
	case o.AdminSubject != DefaultAdminSubject && !o.RemoteManagement:
		return errors.New("flag '--admin-subject' is only supported when '--remote-management' is enabled")
	}
	return nil
}
