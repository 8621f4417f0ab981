package issue

import (
	"regexp"
	"strings"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
)

// loginName is what useradd(8) of Debian and Red Hat accept without being forced,
// capitals and dots included. The name goes into a shell command, so nothing that
// a shell or an option parser could take for something else is in it.
var loginName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,31}$`)

// checkAddUser prepares the certificate with which the host lets someone in just
// to make the user's account: it is as long valid as the user's own certificate,
// and forces one command. It is nil where the certificate does not name one user,
// with or without a mail address after the name.
func (i *Issuer) checkAddUser(crt *ssh.Certificate, pub ssh.PublicKey) (*preparedSSH, error) {
	name, ok := addedUser(crt)
	if !ok {
		return nil, nil
	}
	if !loginName.MatchString(name) {
		return nil, ca.Errorf(ca.ErrForbidden, "principal %q is not a plain user name, for which an account could be added", name)
	}
	key, err := i.ssh.key(ca.SSHUser)
	if err != nil {
		return nil, err
	}
	public, err := i.checkSSHKey(pub)
	if err != nil {
		return nil, err
	}
	add := &ssh.Certificate{
		Key:             pub,
		CertType:        ssh.UserCert,
		KeyId:           name + "-" + i.ssh.AddUserPrincipal,
		ValidPrincipals: []string{i.ssh.AddUserPrincipal},
		ValidAfter:      crt.ValidAfter,
		ValidBefore:     crt.ValidBefore,
		Permissions: ssh.Permissions{CriticalOptions: map[string]string{
			optionForceCommand: strings.ReplaceAll(i.ssh.AddUserCommand, "<principal>", name),
		}},
	}
	completeSSH(add)
	return &preparedSSH{crt: add, public: public, key: key}, nil
}

// addedUser returns the user that a certificate names.
func addedUser(crt *ssh.Certificate) (string, bool) {
	if crt.CertType != ssh.UserCert {
		return "", false
	}
	switch p := crt.ValidPrincipals; len(p) {
	case 1:
		return p[0], true
	case 2:
		return p[0], strings.Index(p[1], "@") > 0
	}
	return "", false
}
