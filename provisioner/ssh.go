package provisioner

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
)

// errSSHDisabled refuses what the claim enableSSHCA does not allow.
func errSSHDisabled(name string) error {
	return ca.Hidden(ca.ErrUnauthorized, "SSH is not enabled for provisioner %q; set its claim enableSSHCA", name)
}

// sshGrant returns the grant for an SSH certificate: what the token says, and
// the defaults where it says nothing. The request may repeat what the token
// says; where the token is silent, the request is not looked at.
func (n *Named) sshGrant(token *Token, req *ca.SSHRequest, ref ca.ProvisionerRef, said, defaults ca.SSHOptions) (*ca.Grant, error) {
	if err := checkSSHOptions(said); err != nil {
		return nil, err
	}
	if max(len(said.Principals), len(req.Options.Principals)) > maxNames {
		return nil, ca.Errorf(ca.ErrMalformed, "more than %d principals", maxNames)
	}
	if err := matchSSHOptions(said, req.Options); err != nil {
		return nil, err
	}
	options := said
	if options.CertType == "" {
		options.CertType = defaults.CertType
	}
	if options.KeyID == "" {
		options.KeyID = defaults.KeyID
	}
	if len(options.Principals) == 0 {
		options.Principals = defaults.Principals
	}
	data, err := token.data(n.templates.ssh, len(n.templates.webhooks) > 0)
	if err != nil {
		return nil, ca.Hidden(ca.ErrUnauthorized, "%w", err)
	}
	grant := &ca.Grant{
		Operation:    ca.SignSSH,
		Provisioner:  ref,
		Issuer:       n.issuer,
		OneTime:      token.oneTimeID(),
		Template:     ca.Template{Default: ca.TemplateSSH, Source: n.templates.ssh.Source},
		TemplateData: data,
		SSH:          n.sshLimits(),
	}
	grant.SSH.Options = options
	if options.CertType == ca.SSHUser {
		grant.SSH.Extensions = ca.SSHUserExtensions()
	}
	return grant, nil
}

// checkSSHFingerprint compares a key with the SHA-256 of its wire format to which a
// token is bound, base64url without padding; "" binds to none. The reference writes
// no such claim into tokens for SSH and does not look for one.
func checkSSHFingerprint(key ssh.PublicKey, want string) error {
	if want == "" {
		return nil
	}
	if got := sha256.Sum256(key.Marshal()); base64.RawURLEncoding.EncodeToString(got[:]) != want {
		return ca.Errorf(ca.ErrForbidden, "ssh public key fingerprint does not match %q", want)
	}
	return nil
}

func (n *Named) sshLimits() *ca.SSHGrant {
	return &ca.SSHGrant{UserLimits: n.rules.UserSSH, HostLimits: n.rules.HostSSH}
}

// checkSSHOptions refuses options in a token that mean nothing.
func checkSSHOptions(o ca.SSHOptions) error {
	if o.CertType != "" && o.CertType.Number() == 0 {
		return ca.Errorf(ca.ErrMalformed, "unknown certificate type '%s'", o.CertType)
	}
	if slices.Contains(o.Principals, "") {
		return ca.Errorf(ca.ErrMalformed, "principals cannot contain empty values")
	}
	return nil
}

// matchSSHOptions compares what a token and a request say, as far as both do.
// Compatible: key IDs are not compared; nothing but a custom template sees the
// one in the request.
func matchSSHOptions(said, asked ca.SSHOptions) error {
	if said.CertType != "" && asked.CertType != "" && said.CertType != asked.CertType {
		return ca.Errorf(ca.ErrForbidden, "ssh certificate type does not match - got %s, want %s", asked.CertType, said.CertType)
	}
	if len(said.Principals) > 0 && !subset(asked.Principals, said.Principals) {
		return ca.Errorf(ca.ErrForbidden, "ssh certificate principals does not match - got %v, want %v", asked.Principals, said.Principals)
	}
	for _, t := range []struct {
		name        string
		said, asked ca.TimeOrDuration
	}{
		{"validAfter", said.ValidAfter, asked.ValidAfter},
		{"validBefore", said.ValidBefore, asked.ValidBefore},
	} {
		if !t.said.IsZero() && !t.asked.IsZero() && !sameTime(t.said, t.asked) {
			return ca.Errorf(ca.ErrForbidden, "ssh certificate %s does not match - got %v, want %v", t.name, t.asked, t.said)
		}
	}
	return nil
}

func sameTime(a, b ca.TimeOrDuration) bool {
	return a.Duration == b.Duration && a.Time.Equal(b.Time)
}

// subset reports whether all names are among the allowed ones, in any case.
func subset(names, allowed []string) bool {
	for _, name := range names {
		if !slices.ContainsFunc(allowed, func(a string) bool { return strings.EqualFold(a, name) }) {
			return false
		}
	}
	return true
}
