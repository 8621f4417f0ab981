package config

import (
	"crypto/x509"
	"errors"
	"io/fs"
	"time"

	"stepca/keyfile"
	"stepca/kms"
)

// FileOptions are what CheckFiles works with.
type FileOptions struct {
	StepPath string // directory that template files are relative to

	// Password opens the keys; the zero value has none but that of the file. An
	// encrypted key for which there is none is not compared with its
	// certificate.
	Password keyfile.Password

	Now func() time.Time // nil means time.Now
}

// expirySoon is how long before the end of a CA certificate a warning begins.
const expirySoon = 90 * 24 * time.Hour

// CheckFiles returns what is wrong with the files that the configuration names:
// certificates, keys, templates. Keys in a KMS are not touched. Files are read
// once each, and provisioners are made ready as the server would.
func (c *Config) CheckFiles(opts FileOptions) Faults {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Password.Ask == nil && !c.Password.IsZero() {
		opts.Password = keyfile.FixedPassword(c.Password.Reveal())
	}
	r := &report{}
	f := &fileCheck{
		report: r, opts: opts, now: opts.Now(), roots: x509.NewCertPool(),
		keysAreFiles: c.KMS.Kind() == kms.Soft,
	}
	if !c.IsRA() {
		for i, name := range c.Root {
			f.root(index("root", i), name)
		}
		f.issuers(c)
	}
	for i, name := range c.FederatedRoots {
		f.certificates(index("federatedRoots", i), name)
	}
	if c.SSH != nil {
		f.key("ssh.hostKey", c.SSH.HostKey, opts.Password)
		f.key("ssh.userKey", c.SSH.UserKey, opts.Password)
	}
	f.templates(c.Templates)
	f.provisioners(c)
	f.mode(c)
	return r.sorted()
}

// A fileCheck looks at the files of one configuration.
type fileCheck struct {
	*report
	opts  FileOptions
	now   time.Time
	roots *x509.CertPool

	keysAreFiles bool // names of keys without a scheme are files
}

// fault reports an error with a file in the words of the reference.
func (f *fileCheck) fault(path, name string, err error) {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		f.errorf(path, "error reading %q: %v", name, pathErr.Err)
		return
	}
	f.errorf(path, "%v", err)
}

func (f *fileCheck) certificates(path, name string) []*x509.Certificate {
	if name == "" {
		return nil
	}
	certs, err := keyfile.LoadCertificates(name)
	if err != nil {
		f.fault(path, name, err)
	}
	return certs
}

func (f *fileCheck) root(path, name string) {
	for _, crt := range f.certificates(path, name) {
		f.roots.AddCert(crt)
		switch {
		case !crt.IsCA:
			f.warnf(path, "%s is not a CA certificate: %s", name, crt.Subject)
		case f.now.After(crt.NotAfter):
			f.warnf(path, "%s expired on %s: clients trust nothing below it", name, crt.NotAfter.Format(time.RFC3339))
		case f.now.Add(expirySoon).After(crt.NotAfter):
			f.warnf(path, "%s expires on %s", name, crt.NotAfter.Format(time.RFC3339))
		}
	}
}

// issuers checks the certificate and key of each issuer.
func (f *fileCheck) issuers(c *Config) {
	if c.Crt != "" || c.Key != "" {
		f.issuer("", &Issuer{Crt: c.Crt, Key: c.Key})
	}
	for i := range c.Issuers {
		f.issuer(index("issuers", i)+".", &c.Issuers[i])
	}
}

// issuer checks one whose keys in the file begin with prefix.
func (f *fileCheck) issuer(prefix string, is *Issuer) {
	for i, name := range is.Root {
		f.root(index(prefix+"root", i), name)
	}
	pw := f.opts.Password
	if !is.Password.IsZero() {
		pw = keyfile.FixedPassword(is.Password.Reveal())
	}
	chain := f.certificates(prefix+"crt", is.Crt)
	key := f.key(prefix+"key", is.Key, pw)
	if len(chain) == 0 {
		return
	}
	f.chain(prefix+"crt", is, chain)
	if key == nil {
		return
	}
	if err := keyfile.CheckPair(chain[0], key); err != nil {
		f.errorf(prefix+"key", "%s and %s do not belong together: %v", is.Crt, is.Key, err)
	}
}

// chain checks that clients can verify what the issuer signs.
func (f *fileCheck) chain(path string, is *Issuer, chain []*x509.Certificate) {
	crt := chain[0]
	switch {
	case !crt.IsCA || crt.KeyUsage != 0 && crt.KeyUsage&x509.KeyUsageCertSign == 0:
		f.errorf(path, "%s cannot sign certificates: it is not a CA certificate with that key usage", is.Crt)
		return
	case f.now.After(crt.NotAfter):
		f.errorf(path, "%s expired on %s", is.Crt, crt.NotAfter.Format(time.RFC3339)).
			suggest("sign a new intermediate with the root key")
		return
	case f.now.Before(crt.NotBefore):
		f.errorf(path, "%s is not valid before %s", is.Crt, crt.NotBefore.Format(time.RFC3339))
		return
	case f.now.Add(expirySoon).After(crt.NotAfter):
		f.warnf(path, "%s expires on %s", is.Crt, crt.NotAfter.Format(time.RFC3339)).
			suggest("sign a new intermediate with the root key in good time")
	}
	others := x509.NewCertPool()
	for _, c := range chain[1:] {
		others.AddCert(c)
	}
	_, err := crt.Verify(x509.VerifyOptions{
		Roots: f.roots, Intermediates: others, CurrentTime: f.now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		f.errorf(path, "%s does not lead to a root of this CA: %v", is.Crt, err)
	}
}
