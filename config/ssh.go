package config

import (
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"

	"stepca/jose"
)

// An SSH configures the certificate authority for SSH.
type SSH struct {
	// HostKey and UserKey sign host and user certificates: files or names of
	// keys in the KMS; "" turns the kind off.
	HostKey string `json:"hostKey"`
	UserKey string `json:"userKey"`

	Keys             []SSHKey `json:"keys,omitempty"`             // further public keys to show
	AddUserPrincipal string   `json:"addUserPrincipal,omitempty"` // see UserPrincipal
	AddUserCommand   string   `json:"addUserCommand,omitempty"`   // see UserCommand
	Bastion          *Bastion `json:"bastion,omitempty"`
}

// Enabled reports whether there is a key to sign with.
func (s *SSH) Enabled() bool { return s != nil && (s.HostKey != "" || s.UserKey != "") }

// UserPrincipal returns the principal of the certificate that adds users to
// hosts.
func (s *SSH) UserPrincipal() string {
	if s.AddUserPrincipal == "" {
		return "provisioner"
	}
	return s.AddUserPrincipal
}

// UserCommand returns the force-command of that certificate, in which
// "<principal>" is to be replaced.
func (s *SSH) UserCommand() string {
	if s.AddUserCommand == "" {
		return "sudo useradd -m <principal>; nc -q0 localhost 22"
	}
	return s.AddUserCommand
}

// An SSHKey is a public key of an SSH CA, shown to clients so that they trust
// it: an older key of this CA, or one of another.
type SSHKey struct {
	Type      string          `json:"type"` // user or host
	Federated bool            `json:"federated"`
	Key       json.RawMessage `json:"key"` // public JWK, or a string with a line of authorized_keys
}

var errPrivateSSHKey = errors.New("invalid key type, it must be a public key")

// PublicKey returns the key.
func (k *SSHKey) PublicKey() (ssh.PublicKey, error) {
	var line string
	if json.Unmarshal(k.Key, &line) == nil {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if _, isCert := key.(*ssh.Certificate); err != nil || isCert {
			return nil, fmt.Errorf("error creating ssh key: %q is neither a JWK nor a line of authorized_keys", line)
		}
		return key, nil
	}
	jwk, err := jose.ParseJWK(k.Key)
	if err != nil {
		return nil, fmt.Errorf("error creating ssh key: %w", err)
	}
	if !jwk.IsPublic() {
		return nil, errPrivateSSHKey
	}
	key, err := ssh.NewPublicKey(jwk.Key)
	if err != nil {
		return nil, fmt.Errorf("error creating ssh key: %w", err)
	}
	return key, nil
}

// A Bastion is the host through which clients reach others.
type Bastion struct {
	Hostname string `json:"hostname"`
	User     string `json:"user,omitempty"`
	Port     string `json:"port,omitempty"`
	Cmd      string `json:"cmd,omitempty"`
	Flags    string `json:"flags,omitempty"`
}

// Templates are what `step ssh config` writes.
type Templates struct {
	SSH  *SSHTemplates              `json:"ssh,omitempty"`
	Data map[string]json.RawMessage `json:"data,omitempty"` // further variables
}

// SSHTemplates are those for users' machines and for hosts.
type SSHTemplates struct {
	User []SSHTemplate `json:"user"`
	Host []SSHTemplate `json:"host"`
}

// The types of SSHTemplate.
const (
	TemplateSnippet     = "snippet"      // a marked block within the file
	TemplatePrependLine = "prepend-line" // the first line of the file
	TemplateFile        = "file"         // the file
	TemplateDirectory   = "directory"    // a directory, without contents
)

// An SSHTemplate is a file that clients write, or a part of one.
type SSHTemplate struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"`
	Template string   `json:"template"` // source file, resolved by StepPath.Abs
	Path     string   `json:"path"`     // where the client writes it
	Comment  string   `json:"comment"`  // what starts a comment there
	Requires []string `json:"requires,omitempty"`
}
