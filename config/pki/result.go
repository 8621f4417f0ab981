package pki

import (
	"fmt"
	"io"
)

// A Result says what was written.
type Result struct {
	PKI   *PKI
	Lines []Line // for people, in this order
}

// A Line names something that was made, as "✔ Label: Value".
type Line struct{ Label, Value string }

// Fprint prints the lines, and what can be done now.
func (r *Result) Fprint(w io.Writer) error {
	text := "\n"
	for _, l := range r.Lines {
		text += fmt.Sprintf("✔ %s: %s\n", l.Label, l.Value)
	}
	switch o := r.PKI.opts; {
	case o.PKIOnly:
	case o.RA != nil:
		text += "\nYour registration authority is ready to go. To generate certificates for individual services see 'step help ca'.\n"
	default:
		text += "\nYour PKI is ready to go. To generate certificates for individual services see 'step help ca'.\n"
	}
	if r.PKI.opts.RemoteManagement && r.PKI.opts.StoreAdmin == nil {
		text += "\nRemote management is not part of this version: there is no administrator, and the provisioners are those of ca.json, which 'step ca provisioner' changes.\n"
	}
	_, err := io.WriteString(w, text)
	return err
}

func (p *PKI) result() *Result {
	r := &Result{PKI: p}
	o, at := p.opts, p.location
	add := func(do bool, label, value string) {
		if do {
			r.Lines = append(r.Lines, Line{label, value})
		}
	}
	signs := p.Intermediate != nil
	add(true, "Root certificate", at.root)
	add(signs && o.Root == nil, "Root private key", at.rootKey)
	add(true, "Root fingerprint", p.Fingerprint())
	add(signs, "Intermediate certificate", at.intermediate)
	add(signs, "Intermediate private key", at.intermediateKey)
	add(o.SSH, "SSH user public key", at.sshUserPub)
	add(o.SSH, "SSH user private key", at.sshUserKey)
	add(o.SSH, "SSH host public key", at.sshHostPub)
	add(o.SSH, "SSH host private key", at.sshHostKey)
	if o.PKIOnly {
		return r
	}
	add(p.Config.DB != nil, "Database folder", at.database)
	add(o.SSH, "Templates folder", at.in("templates"))
	add(true, "Default configuration", at.defaults)
	add(o.Path.Context.Name != "", "Default profile configuration", o.Path.ProfileDefaults())
	add(true, "Certificate Authority configuration", at.config)
	add(o.RemoteManagement, "Admin provisioner", o.Provisioner+" (JWK)")
	add(o.RemoteManagement, "Super admin subject", o.AdminSubject)
	return r
}
