package config

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"

	"golang.org/x/crypto/ssh"

	"stepca/keyfile"
	"stepca/provisioner"
	"stepca/template"
)

func (f *fileCheck) templates(t *Templates) {
	if t == nil || t.SSH == nil {
		return
	}
	for _, set := range []struct {
		path string
		list []SSHTemplate
	}{{"templates.ssh.user", t.SSH.User}, {"templates.ssh.host", t.SSH.Host}} {
		for i, tpl := range set.list {
			if tpl.Template == "" {
				continue
			}
			at := index(set.path, i) + ".template"
			name, err := keyfile.ResolvePath(tpl.Template, f.opts.StepPath)
			if err != nil {
				f.errorf(at, "error reading %s: %v", tpl.Template, err)
				continue
			}
			if info, err := os.Stat(name); err != nil {
				f.errorf(at, "error reading %s: %v", name, err)
			} else if info.IsDir() {
				f.errorf(at, "error reading %s: it is a directory", name)
			}
		}
	}
}

// provisioners makes the provisioners ready, and parses their templates.
func (f *fileCheck) provisioners(c *Config) {
	var list []provisioner.Provisioner
	places := map[string]string{} // by name
	for i, raw := range c.Authority.Provisioners {
		if p, err := provisioner.Parse(raw); err == nil {
			list = append(list, p)
			places[p.Ref().Name] = index("authority.provisioners", i)
		}
	}
	cfg := provisioner.Config{Claims: c.Authority.Claims, DNSNames: c.ServerNames(), StepPath: f.opts.StepPath, Now: f.opts.Now}
	if c.SSH != nil {
		stand := standInKey()
		cfg.SSHUserKeys, cfg.SSHHostKeys = stand, stand
	}
	all, err := provisioner.NewCollection(list, cfg)
	if err != nil {
		return // a fault of the file itself, which Check reports
	}
	for _, failure := range all.Failures() {
		for _, err := range joined(failure.Err) {
			at := places[failure.Provisioner.Name]
			if field, ok := errors.AsType[*provisioner.FieldError](err); ok && field.Path != "" {
				at, err = at+"."+field.Path, field.Err
			}
			f.errorf(at, "provisioner %q is disabled: %v", failure.Provisioner.Name, err)
		}
	}
	for _, t := range all.Templates() {
		_, err := template.ParseX509(t.Source)
		if t.SSH {
			_, err = template.ParseSSH(t.Source)
		}
		if err != nil {
			f.errorf(places[t.Provisioner.Name]+"."+t.Path, "the template cannot be parsed: %v", err)
		}
	}
}

// joined returns the errors that errors.Join has put together.
func joined(err error) []error {
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		return list.Unwrap()
	}
	return []error{err}
}

// standInKey returns a public key in the place of those of the SSH CA, which may
// be encrypted or elsewhere: provisioners only need that there is one.
func standInKey() []ssh.PublicKey {
	pub := ed25519.PublicKey(bytes.Repeat([]byte{0}, ed25519.PublicKeySize))
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		panic(fmt.Sprintf("an Ed25519 key of the right size is refused: %v", err))
	}
	return []ssh.PublicKey{key}
}
