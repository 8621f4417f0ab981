package issue

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"maps"
	"slices"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
	"stepca/template"
)

// renderSSH writes the contents of an SSH certificate. Nothing after it changes
// them.
func (i *Issuer) renderSSH(req *ca.SSHRequest, grant *ca.Grant) (*ssh.Certificate, error) {
	if grant.SSH.Renew != nil {
		return i.renderSSHRenewal(req, grant), nil
	}
	t, err := i.templates.SSH(grant.Template)
	if err != nil {
		return nil, err
	}
	vouched := grant.SSH
	rendered, err := t.Render(&template.SSHData{
		Type:            vouched.Options.CertType,
		KeyID:           vouched.Options.KeyID,
		Principals:      vouched.Options.Principals,
		Extensions:      vouched.Extensions,
		CriticalOptions: vouched.CriticalOptions,
		Values:          grant.TemplateData,
		CR: template.SSHRequest{
			Key:        req.PublicKey,
			Type:       string(req.Options.CertType),
			KeyID:      req.Options.KeyID,
			Principals: req.Options.Principals,
		},
		User: req.UserData,
	})
	if err != nil {
		return nil, templateError(err)
	}
	crt := rendered.SSH()
	crt.Key = req.PublicKey
	completeSSH(crt)
	return crt, i.setSSHValidity(crt, req, grant)
}

// renderSSHRenewal copies the certificate that is issued again: everything stays
// but its serial number, its nonce and its time; a rekey brings another key.
func (i *Issuer) renderSSHRenewal(req *ca.SSHRequest, grant *ca.Grant) *ssh.Certificate {
	old := grant.SSH.Renew
	crt := &ssh.Certificate{
		Key:             old.Key,
		CertType:        old.CertType,
		KeyId:           old.KeyId,
		ValidPrincipals: slices.Clone(old.ValidPrincipals),
		Permissions: ssh.Permissions{
			CriticalOptions: maps.Clone(old.CriticalOptions),
			Extensions:      maps.Clone(old.Extensions),
		},
	}
	if req.Operation == ca.RekeySSH {
		crt.Key = req.PublicKey
	}
	completeSSH(crt)
	i.setRenewedSSHValidity(crt, old, grant)
	return crt
}

// completeSSH chooses at random what the contents leave to us.
func completeSSH(crt *ssh.Certificate) {
	for crt.Serial == 0 { // zero means none to OpenSSH
		var b [8]byte
		rand.Read(b[:]) // never fails
		crt.Serial = binary.BigEndian.Uint64(b[:])
	}
	if len(crt.Nonce) == 0 {
		crt.Nonce = newSSHNonce()
	}
}

// newSSHNonce returns 192 random bits as 32 printable characters. It goes before
// everything a requester chooses, so that nobody can prepare a collision.
func newSSHNonce() []byte {
	var b [24]byte
	rand.Read(b[:])
	return base64.StdEncoding.AppendEncode(nil, b[:])
}
