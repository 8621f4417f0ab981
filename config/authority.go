package config

import (
	"encoding/json"
	"strings"
	"time"

	"stepca/ca"
	"stepca/keyfile"
	"stepca/policy"
	"stepca/provisioner"
	"stepca/template"
)

// The types of CA behind an authority.
const (
	SoftCAS  = "softcas"  // our own keys
	StepCAS  = "stepcas"  // another CA of this kind
	CloudCAS = "cloudcas" // Google Certificate Authority Service
	VaultCAS = "vaultcas" // HashiCorp Vault
)

// LinkedDeployment is the deployment type of a server that needs a hosted
// service to run.
const LinkedDeployment = "linked"

// DefaultBackdate is how long before signing certificates begin to be valid.
const DefaultBackdate = time.Minute

// An Authority is the part of ca.json that says who may have which
// certificates.
type Authority struct {
	Type                            string             `json:"type,omitempty"` // see CAType
	CertificateAuthority            string             `json:"certificateAuthority,omitempty"`
	CertificateAuthorityFingerprint string             `json:"certificateAuthorityFingerprint,omitempty"` // SHA-256, hexadecimal
	CertificateIssuer               *CertificateIssuer `json:"certificateIssuer,omitempty"`
	CredentialsFile                 string             `json:"credentialsFile,omitempty"`
	Config                          json.RawMessage    `json:"config,omitempty"` // of VaultCAS

	AuthorityID    string `json:"authorityId,omitempty"`
	DeploymentType string `json:"deploymentType,omitempty"`

	// Provisioners are objects that have at least a type and a name.
	Provisioners []json.RawMessage `json:"provisioners,omitempty"`

	Claims   *provisioner.Claims `json:"claims,omitempty"`   // what provisioners' claims do not say
	Policy   *policy.Options     `json:"policy,omitempty"`   // of all provisioners
	Template *template.Name      `json:"template,omitempty"` // subject attributes that rendered certificates lack

	// Backdate is subtracted from the current time for the start of validity;
	// nil means DefaultBackdate.
	Backdate *ca.Duration `json:"backdate,omitempty"`

	// DisableIssuedAtCheck accepts tokens that were made before the server
	// started.
	DisableIssuedAtCheck bool `json:"disableIssuedAtCheck,omitempty"`

	// EnableAdmin asks for the admin API and for provisioners, admins and policies
	// in the database, which the server does not have: it says so and uses the file.
	EnableAdmin bool `json:"enableAdmin,omitempty"`

	// DisableGetSSHHosts turns off the list of SSH hosts.
	DisableGetSSHHosts bool `json:"disableGetSSHHosts,omitempty"`
}

// CAType returns the type in lower case, SoftCAS if there is none.
func (a *Authority) CAType() string {
	if a.Type == "" {
		return SoftCAS
	}
	return strings.ToLower(a.Type)
}

// BackdateDuration returns Backdate or its default.
func (a *Authority) BackdateDuration() time.Duration {
	if a.Backdate == nil {
		return DefaultBackdate
	}
	return time.Duration(*a.Backdate)
}

// A CertificateIssuer is how a registration authority authenticates to the CA
// behind it.
type CertificateIssuer struct {
	Type        string         `json:"type,omitempty"`        // jwk or x5c, in any case
	Provisioner string         `json:"provisioner,omitempty"` // its name there
	Crt         string         `json:"crt,omitempty"`
	Key         string         `json:"key,omitempty"`
	Password    keyfile.Secret `json:"password,omitzero"`
}
