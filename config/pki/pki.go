package pki

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"stepca/ca"
	"stepca/config"
	"stepca/keyfile"
)

// A PKI is a new certificate authority that is not written yet.
type PKI struct {
	Root         *x509.Certificate
	Intermediate *x509.Certificate // nil for a registration authority

	// Config is ca.json, Defaults the clients' defaults.json; nil if only the
	// PKI is wanted.
	Config   *config.Config
	Defaults *config.ClientDefaults

	// Provisioners are the first ones, also if they are for the database.
	Provisioners []json.RawMessage

	opts     *Options
	location paths

	// PEM of the encrypted keys; nil for those that are not ours to write.
	rootKey, intermediateKey []byte
	sshHost, sshUser         sshPair
}

// An sshPair is the key of an SSH CA.
type sshPair struct {
	pub []byte // a line as in authorized_keys, without a comment
	key []byte // PEM of the encrypted key; nil if it is in a KMS
}

// New makes a CA in memory. Nothing is written, but keys in a KMS are made.
func New(opts Options) (*PKI, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	p := &PKI{opts: o, location: pathsOf(o)}
	now := o.Now().UTC().Truncate(time.Second)
	if o.RA == nil {
		err = p.makeCertificates(now)
	} else {
		err = p.fetchRoot()
	}
	if err != nil {
		return nil, err
	}
	if o.SSH {
		if err := p.makeSSH(); err != nil {
			return nil, err
		}
	}
	if o.PKIOnly {
		return p, nil
	}
	if p.Provisioners, err = newProvisioners(o); err != nil {
		return nil, err
	}
	p.Config, p.Defaults = p.configuration(), p.clientDefaults()
	return p, nil
}

// Fingerprint returns the SHA-256 of the root's DER in lower-case hexadecimal.
func (p *PKI) Fingerprint() string { return ca.Fingerprint(p.Root) }

// step tells of something that takes a moment.
func (p *PKI) step(what string, do func() error) error {
	fmt.Fprintf(p.opts.Progress, "%s... ", what)
	if err := do(); err != nil {
		io.WriteString(p.opts.Progress, "failed\n")
		return err
	}
	io.WriteString(p.opts.Progress, "done!\n")
	return nil
}

func (p *PKI) makeCertificates(now time.Time) error {
	var root, intermediate *authority
	makeRoot := func() error {
		key, pem, err := p.newKey(p.location.rootKey)
		if err != nil {
			return err
		}
		p.rootKey = pem
		root, err = newRoot(p.opts.Name, key, now)
		return err
	}
	what := "Generating root certificate"
	if p.opts.Root != nil {
		what = "Copying root certificate"
		var err error // before the line begins, because a password may be asked for
		if root, err = p.opts.Root.load(now); err != nil {
			return err
		}
		makeRoot = func() error { return nil }
	}
	if err := p.step(what, makeRoot); err != nil {
		return err
	}
	err := p.step("Generating intermediate certificate", func() error {
		key, pem, err := p.newKey(p.location.intermediateKey)
		if err != nil {
			return err
		}
		p.intermediateKey = pem
		intermediate, err = root.newIntermediate(p.opts.Name, key, now)
		return err
	})
	if err != nil {
		return err
	}
	p.Root, p.Intermediate = root.cert, intermediate.cert
	return nil
}

// newKey makes a key, in the KMS under the given name or with its encrypted PEM.
func (p *PKI) newKey(kmsName string) (key crypto.Signer, pem []byte, err error) {
	if p.opts.KMS != nil {
		key, err = p.opts.KMS.CreateKey(kmsName, p.opts.KeySpec)
		return key, nil, err
	}
	if key, err = keyfile.Generate(p.opts.KeySpec); err != nil {
		return nil, nil, err
	}
	pem, err = keyfile.EncodePrivateKey(key, keyfile.PKCS8, p.opts.Password.Reveal())
	return key, pem, err
}

func (p *PKI) makeSSH() error {
	return p.step("Generating user and host SSH certificate signing keys", func() (err error) {
		if p.sshHost, err = p.newSSH(p.location.sshHostKey); err != nil {
			return err
		}
		p.sshUser, err = p.newSSH(p.location.sshUserKey)
		return err
	})
}

func (p *PKI) newSSH(kmsName string) (pair sshPair, err error) {
	key, pem, err := p.newKey(kmsName)
	if err != nil {
		return sshPair{}, err
	}
	pub, err := keyfile.EncodeAuthorizedKey(key.Public(), "")
	return sshPair{pub: pub, key: pem}, err
}

// fetchRoot gets the root of the CA behind a registration authority.
func (p *PKI) fetchRoot() error {
	ra := p.opts.RA
	return p.step("Downloading root certificate", func() error {
		root, err := ra.FetchRoot(ra.URL, ra.Fingerprint)
		if err != nil {
			return err
		}
		if got := ca.Fingerprint(root); !strings.EqualFold(got, strings.ReplaceAll(ra.Fingerprint, ":", "")) {
			return fmt.Errorf("the root certificate of %s has the fingerprint %s, not %s", ra.URL, got, ra.Fingerprint)
		}
		p.Root = root
		return nil
	})
}
