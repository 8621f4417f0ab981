package pki

import (
	"encoding/json"
	"io/fs"
	"slices"

	"stepca/config"
	"stepca/keyfile"
)

// A file is one to be written.
type file struct {
	name string
	data []byte
	perm fs.FileMode
}

// files returns the files of the CA, ca.json last, so that a CA that has one is
// complete.
func (p *PKI) files() ([]file, error) {
	at := p.location
	list := []file{{at.root, keyfile.EncodeCertificates(p.Root), keyfile.SecretPerm}}
	if p.Intermediate != nil {
		list = append(list, file{at.intermediate, keyfile.EncodeCertificates(p.Intermediate), keyfile.SecretPerm})
	}
	for _, f := range []file{
		{at.rootKey, p.rootKey, keyfile.SecretPerm},
		{at.intermediateKey, p.intermediateKey, keyfile.SecretPerm},
		{at.sshHostPub, p.sshHost.pub, keyfile.SecretPerm},
		{at.sshHostKey, p.sshHost.key, keyfile.SecretPerm},
		{at.sshUserPub, p.sshUser.pub, keyfile.SecretPerm},
		{at.sshUserKey, p.sshUser.key, keyfile.SecretPerm},
	} {
		if f.data != nil {
			list = append(list, f)
		}
	}
	if p.Config == nil {
		return list, nil
	}
	templates, err := p.templates()
	if err != nil {
		return nil, err
	}
	defaults, err := json.MarshalIndent(p.Defaults, "", "\t")
	if err != nil {
		return nil, err
	}
	ca, err := p.Config.Encode()
	if err != nil {
		return nil, err
	}
	list = append(list, templates...)
	return append(list, file{at.defaults, defaults, config.FilePerm}, file{at.config, ca, config.FilePerm}), nil
}

// templates returns the files of the templates for SSH.
func (p *PKI) templates() ([]file, error) {
	t := p.Config.Templates
	if t == nil {
		return nil, nil
	}
	var list []file
	for _, tpl := range slices.Concat(t.SSH.User, t.SSH.Host) {
		text, err := config.DefaultSSHTemplateText(tpl.Name)
		if err != nil {
			return nil, err
		}
		list = append(list, file{p.location.in("templates", "ssh", tpl.Name), text, config.FilePerm})
	}
	return list, nil
}

// directories returns those that a CA has, empty ones too.
func (p *PKI) directories() []string {
	at := p.location
	list := []string{at.in("certs"), at.in("secrets"), at.in("config"), at.in("templates")}
	if p.Config != nil && p.Config.DB != nil {
		list = append(list, at.database)
	}
	return list
}
