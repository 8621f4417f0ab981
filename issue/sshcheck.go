package issue

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
)

// Bounds of what an SSH certificate says. OpenSSH reads no certificate with more
// principals (SSHKEY_CERT_MAX_PRINCIPALS), and the texts end in its logs.
const (
	maxSSHPrincipals = 256
	maxSSHText       = 1024 // octets of the key ID and of each principal
	maxSSHOption     = 8192 // octets of the value of an option or extension
	maxSSHNonce      = 256  // octets

	// maxSSHContents bounds all of these together, in octets: a message of the SSH
	// protocol has room for four times as much.
	maxSSHContents = 64 << 10
)

// checkSSHRequest holds what the request itself brings against the grant.
func (i *Issuer) checkSSHRequest(req *ca.SSHRequest, extras SSHExtras, grant *ca.Grant) error {
	if slices.Contains(req.Options.Principals, "") {
		return ca.Errorf(ca.ErrMalformed, "principals cannot contain empty values")
	}
	if grant.SSH.RequireOptions {
		if err := requireOptions(grant.SSH.Options, req.Options); err != nil {
			return err
		}
	}
	if req.Operation != ca.RenewSSH {
		// That it is none of ours is found out when the contents are checked: one
		// look is enough.
		if err := CheckSSHPublicKey(req.PublicKey); err != nil {
			return err
		}
	}
	if extras.AddUserKey != nil {
		_, err := i.checkSSHKey(extras.AddUserKey)
		return err
	}
	return nil
}

func requireOptions(said, asked ca.SSHOptions) error {
	switch {
	case said.CertType == "" && asked.CertType == "":
		return ca.Errorf(ca.ErrMalformed, "ssh certificate certType cannot be empty")
	case said.KeyID == "" && asked.KeyID == "":
		return ca.Errorf(ca.ErrMalformed, "ssh certificate keyID cannot be empty")
	case len(said.Principals) == 0 && len(asked.Principals) == 0:
		return ca.Errorf(ca.ErrMalformed, "ssh certificate principals cannot be empty")
	}
	return nil
}

// checkSSH reads contents and finds out whether they may be signed. It changes
// nothing; what it returns is a copy that nobody else holds.
func (i *Issuer) checkSSH(crt *ssh.Certificate, grant *ca.Grant) (*preparedSSH, error) {
	typ := sshType(crt)
	key, err := i.ssh.key(typ)
	if err != nil {
		return nil, err
	}
	public, err := i.checkSSHKey(crt.Key)
	if err != nil {
		return nil, err
	}
	if err := i.checkSSHValidity(crt, grant); err != nil {
		return nil, err
	}
	if grant.SSH.Renew == nil { // else the contents were vouched for when it was first issued
		if err := checkSSHContents(crt, grant); err != nil {
			return nil, err
		}
		if err := i.checkSSHPolicies(typ, crt, grant); err != nil {
			return nil, err
		}
	}
	own := *crt
	return &preparedSSH{crt: &own, public: public, key: key}, nil
}

func checkSSHContents(crt *ssh.Certificate, grant *ca.Grant) error {
	if err := checkSSHType(sshType(crt), grant); err != nil {
		return err
	}
	if crt.KeyId == "" {
		return ca.Errorf(ca.ErrForbidden, "ssh certificate key id cannot be empty")
	}
	if err := checkSSHText("key id", crt.KeyId); err != nil {
		return err
	}
	if len(crt.Nonce) > maxSSHNonce {
		return ca.Errorf(ca.ErrForbidden, "ssh certificate nonce is longer than %d bytes", maxSSHNonce)
	}
	if err := checkPrincipals(crt.ValidPrincipals); err != nil {
		return err
	}
	if err := checkCriticalOptions(crt); err != nil {
		return err
	}
	if err := checkExtensions(crt); err != nil {
		return err
	}
	return checkSSHSize(crt)
}

func checkSSHSize(crt *ssh.Certificate) error {
	const lengths = 8 // octets of the lengths that go with a text
	n := len(crt.Nonce) + len(crt.KeyId) + len(crt.Reserved)
	for _, p := range crt.ValidPrincipals {
		n += lengths + len(p)
	}
	for _, options := range []map[string]string{crt.CriticalOptions, crt.Extensions} {
		for name, value := range options {
			n += lengths + len(name) + len(value)
		}
	}
	if n > maxSSHContents {
		return ca.Errorf(ca.ErrForbidden, "the contents of the ssh certificate are longer than %d bytes", maxSSHContents)
	}
	return nil
}

// checkSSHType refuses a type other than the one vouched for. The type chooses
// the CA key, so a template that copies it from the request would let users pose
// as hosts. Where a built-in template leaves the type to the request, the grant
// says so by naming that template.
func checkSSHType(typ ca.SSHCertType, grant *ca.Grant) error {
	vouched := grant.SSH.Options.CertType
	switch grant.Template.Default {
	case ca.TemplateSSHAdmin, ca.TemplateSSHRequest:
		return nil
	}
	if vouched != "" && typ != vouched {
		return ca.Errorf(ca.ErrForbidden, "provisioner %q vouches for a %s certificate and its template makes a %s certificate", grant.Provisioner.Name, vouched, typ)
	}
	return nil
}

// checkPrincipals checks the form of the principals. There has to be one: without,
// a certificate is good for every host, and for every user whose authorized_keys
// name the CA (OpenSSH PROTOCOL.certkeys). A template writes such a certificate as
// soon as the claim is missing that it takes the principals from.
func checkPrincipals(principals []string) error {
	switch n := len(principals); {
	case n == 0:
		return ca.Errorf(ca.ErrForbidden, "ssh certificate has no principals, and would be valid for all")
	case n > maxSSHPrincipals:
		return ca.Errorf(ca.ErrForbidden, "ssh certificate has %d principals, more than the %d that OpenSSH reads", n, maxSSHPrincipals)
	}
	for _, p := range principals {
		if p == "" {
			return ca.Errorf(ca.ErrMalformed, "principals cannot contain empty values")
		}
		if err := checkSSHText("principal", p); err != nil {
			return err
		}
		if strings.Contains(p, ",") {
			return ca.Errorf(ca.ErrForbidden, "ssh certificate principal %q has a comma, which separates principals", p)
		}
	}
	return nil
}

// checkSSHText refuses what would end a line or reach a terminal where OpenSSH
// writes the text: in its logs, and in lists of principals. JSON decoders put
// U+FFFD in the place of octets that are no UTF-8, so it is refused with them.
func checkSSHText(what, s string) error {
	switch {
	case len(s) > maxSSHText:
		return ca.Errorf(ca.ErrForbidden, "ssh certificate %s is longer than %d bytes", what, maxSSHText)
	case !utf8.ValidString(s), strings.ContainsRune(s, utf8.RuneError):
		return ca.Errorf(ca.ErrForbidden, "ssh certificate %s %q is not valid UTF-8", what, s)
	case strings.ContainsFunc(s, unprintable):
		return ca.Errorf(ca.ErrForbidden, "ssh certificate %s %q has control characters", what, s)
	}
	return nil
}

func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
}

// sortedNames makes the first fault of several the same each time.
func sortedNames(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// checkSSHPolicies asks the provisioner's policy, then the authority's.
func (i *Issuer) checkSSHPolicies(typ ca.SSHCertType, crt *ssh.Certificate, grant *ca.Grant) error {
	own := i.cfg.ProvisionerSSHPolicies[grant.Provisioner.ID]
	if !own.Covers(typ) {
		return ca.Errorf(ca.ErrForbidden, "SSH %s certificate not authorized", typ)
	}
	if err := own.Check(typ, crt.ValidPrincipals); err != nil {
		return err
	}
	return i.cfg.SSHPolicy.Check(typ, crt.ValidPrincipals)
}
