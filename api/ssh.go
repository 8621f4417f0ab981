package api

import (
	"encoding/json"
	"errors"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
)

// An SSHSignRequest is the body of POST /ssh/sign.
type SSHSignRequest struct {
	PublicKey        []byte            `json:"publicKey"` // SSH wire format, as all keys here
	Token            string            `json:"ott"`
	CertType         ca.SSHCertType    `json:"certType"` // "" leaves it to the token
	KeyID            string            `json:"keyID"`
	Principals       []string          `json:"principals"`
	ValidAfter       ca.TimeOrDuration `json:"validAfter"`  // durations count from now
	ValidBefore      ca.TimeOrDuration `json:"validBefore"` // durations count from now
	AddUserPublicKey []byte            `json:"addUserPublicKey,omitempty"`

	// IdentityCSR asks for an X.509 certificate as long lived as the SSH one.
	IdentityCSR CSRPEM `json:"identityCSR"`

	// TemplateData is the object that custom templates see as .Insecure.User.
	TemplateData json.RawMessage `json:"templateData,omitempty"`
}

// An SSHRenewRequest is the body of POST /ssh/renew.
type SSHRenewRequest struct {
	Token string `json:"ott"`
}

// An SSHRekeyRequest is the body of POST /ssh/rekey.
type SSHRekeyRequest struct {
	Token     string `json:"ott"`
	PublicKey []byte `json:"publicKey"`
}

// An SSHSignResponse answers POST /ssh/sign, /ssh/renew and /ssh/rekey.
type SSHSignResponse struct {
	Certificate         SSHCertificate  `json:"crt"`
	AddUserCertificate  *SSHCertificate `json:"addUserCrt,omitempty"`
	IdentityCertificate []CertPEM       `json:"identityCrt,omitempty"` // leaf first
}

// SSHRoots answers GET /ssh/roots and /ssh/federation. A kind without keys is
// absent.
type SSHRoots struct {
	UserKeys []SSHPublicKey `json:"userKey,omitempty"`
	HostKeys []SSHPublicKey `json:"hostKey,omitempty"`
}

// An SSHConfigRequest is the body of POST /ssh/config.
type SSHConfigRequest struct {
	Type ca.SSHCertType    `json:"type"` // "" means user
	Data map[string]string `json:"data"` // what templates see as .User
}

// An SSHConfigResponse answers POST /ssh/config, with the kind asked for.
type SSHConfigResponse struct {
	UserTemplates []SSHTemplate `json:"userTemplates,omitempty"`
	HostTemplates []SSHTemplate `json:"hostTemplates,omitempty"`
}

// An SSHTemplate is a rendered piece of OpenSSH configuration.
type SSHTemplate struct {
	Name    string          `json:"name"`
	Type    SSHTemplateType `json:"type"`
	Path    string          `json:"path"`    // below the step path unless absolute or under ~
	Comment string          `json:"comment"` // begins a comment line
	Content []byte          `json:"content"`
}

// An SSHTemplateType says how a template is merged into the file at its path.
type SSHTemplateType string

// The types of templates.
const (
	SSHSnippet     SSHTemplateType = "snippet"      // a marked section in the file
	SSHPrependLine SSHTemplateType = "prepend-line" // a line on top of the file
	SSHFile        SSHTemplateType = "file"         // the whole file
	SSHDirectory   SSHTemplateType = "directory"    // a directory; content is empty
)

// An SSHCheckHostRequest is the body of POST /ssh/check-host.
type SSHCheckHostRequest struct {
	Type      ca.SSHCertType `json:"type"` // always host
	Principal string         `json:"principal"`
	Token     string         `json:"token,omitempty"` // for hosted authorities only
}

// An SSHCheckHostResponse says whether there is a host certificate with that
// principal which has neither expired nor been revoked.
type SSHCheckHostResponse struct {
	Exists bool `json:"exists"`
}

// SSHHosts answers GET /ssh/hosts with one page. Who names no limit gets all, up
// to MaxSSHHosts.
type SSHHosts struct {
	Hosts []SSHHost `json:"hosts"` // never null

	// NextCursor is to be sent back for the next page; "", and absent, on the last.
	NextCursor string `json:"nextCursor,omitempty"`
}

// Sizes of pages of GET /ssh/hosts.
const (
	MaxSSHHostsPage = 1000   // more is cut to this
	MaxSSHHosts     = 10_000 // when the request names no limit, as clients of the reference do
)

// An SSHHost is a host with a valid certificate.
type SSHHost struct {
	HostID   string       `json:"hid"`
	HostTags []SSHHostTag `json:"host_tags"` // null without tags; hosted authorities only
	Hostname string       `json:"hostname"`
}

// An SSHHostTag describes a host of a hosted authority.
type SSHHostTag struct {
	ID    string
	Name  string
	Value string
}

// An SSHBastionRequest is the body of POST /ssh/bastion.
type SSHBastionRequest struct {
	User     string `json:"user"`
	Hostname string `json:"hostname"`
}

// An SSHBastionResponse names the bastion to go through; nil if the host is
// reached directly.
type SSHBastionResponse struct {
	Hostname string      `json:"hostname"`
	Bastion  *SSHBastion `json:"bastion,omitempty"`
}

// An SSHBastion is a jump host as the CA's configuration describes it.
type SSHBastion struct {
	Hostname string `json:"hostname"`
	User     string `json:"user,omitempty"`
	Port     string `json:"port,omitempty"`
	Command  string `json:"cmd,omitempty"`
	Flags    string `json:"flags,omitempty"`
}

// An SSHPublicKey is a key that JSON holds as base64 of its SSH wire format, as
// an authorized_keys line does. A nil key is null.
type SSHPublicKey struct{ ssh.PublicKey }

// MarshalJSON implements json.Marshaler.
func (k SSHPublicKey) MarshalJSON() ([]byte, error) {
	if k.PublicKey == nil {
		return []byte("null"), nil
	}
	return json.Marshal(k.Marshal())
}

// UnmarshalJSON implements json.Unmarshaler.
func (k *SSHPublicKey) UnmarshalJSON(data []byte) error {
	pub, err := unmarshalSSH(data)
	k.PublicKey = pub
	return err
}

// An SSHCertificate is a certificate that JSON holds as base64 of its SSH wire
// format. A nil certificate is null.
type SSHCertificate struct{ *ssh.Certificate }

// MarshalJSON implements json.Marshaler.
func (c SSHCertificate) MarshalJSON() ([]byte, error) {
	if c.Certificate == nil {
		return []byte("null"), nil
	}
	return json.Marshal(c.Marshal())
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *SSHCertificate) UnmarshalJSON(data []byte) error {
	c.Certificate = nil
	pub, err := unmarshalSSH(data)
	if err != nil || pub == nil {
		return err
	}
	cert, ok := pub.(*ssh.Certificate)
	if !ok {
		return errors.New("an SSH key where a certificate is expected")
	}
	c.Certificate = cert
	return nil
}

// unmarshalSSH returns the key or certificate in a JSON string, nil for null and
// the empty string.
func unmarshalSSH(data []byte) (ssh.PublicKey, error) {
	var wire []byte
	if err := json.Unmarshal(data, &wire); err != nil {
		return nil, err
	}
	if len(wire) == 0 {
		return nil, nil
	}
	return ssh.ParsePublicKey(wire)
}
