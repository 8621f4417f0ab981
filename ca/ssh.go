package ca

import (
	"golang.org/x/crypto/ssh"
)

// An SSHCertType is the kind of an SSH certificate as JSON spells it.
type SSHCertType string

// The kinds of SSH certificates (OpenSSH PROTOCOL.certkeys).
const (
	SSHUser SSHCertType = "user"
	SSHHost SSHCertType = "host"
)

// Number returns ssh.UserCert or ssh.HostCert, and 0 for anything else.
func (t SSHCertType) Number() uint32 {
	switch t {
	case SSHUser:
		return ssh.UserCert
	case SSHHost:
		return ssh.HostCert
	}
	return 0
}

// SSHUserExtensions returns the extensions that a user certificate has unless a
// provisioner or template says otherwise (OpenSSH PROTOCOL.certkeys): they permit
// what a login normally may do.
func SSHUserExtensions() map[string]string {
	return map[string]string{
		"permit-X11-forwarding":   "",
		"permit-agent-forwarding": "",
		"permit-port-forwarding":  "",
		"permit-pty":              "",
		"permit-user-rc":          "",
	}
}

// An SSHRequest asks for an SSH certificate.
type SSHRequest struct {
	Operation Operation
	ID        string // request ID of the protocol edge, for logs and records

	// PublicKey is the key to certify; nil for a renewal.
	PublicKey ssh.PublicKey

	// Options are those in the request's body. Provisioners mostly only compare
	// them with what they vouch for.
	Options SSHOptions

	// UserData is the JSON object that a custom template sees as .Insecure.User.
	UserData []byte

	// Token is the provisioner's one-time token; never log it.
	Token string
}

// SSHOptions are the parameters of an SSH certificate as a token ("step.ssh") or
// a request gives them; a zero field is unset.
type SSHOptions struct {
	CertType    SSHCertType    `json:"certType"`
	KeyID       string         `json:"keyID"`
	Principals  []string       `json:"principals"`
	ValidAfter  TimeOrDuration `json:"validAfter"`  // durations count from now
	ValidBefore TimeOrDuration `json:"validBefore"` // durations count from now
}

// An SSHGrant is the part of a Grant that only SSH certificates have.
type SSHGrant struct {
	// Options are what the provisioner vouches for; a template may use them.
	Options SSHOptions

	// Required fields of the request: with these set, an empty value in both
	// the token and the request is refused.
	RequireOptions bool

	// Extensions and CriticalOptions are offered to the template.
	Extensions      map[string]string
	CriticalOptions map[string]string

	// UserLimits and HostLimits bound the validity, by the type that the
	// rendered certificate turns out to have.
	UserLimits, HostLimits Limits

	// Renew is the certificate to be issued again; nil for a new one.
	Renew *ssh.Certificate

	// Revoke is the certificate whose key authorized its revocation; nil if
	// something else did.
	Revoke *ssh.Certificate
}
