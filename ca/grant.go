package ca

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"time"
)

// A Grant is what a provisioner allows one request: data, no behaviour, so that
// it can be logged, compared in a test and explained to a user. It is made by an
// authorize step and read, never changed, by the steps after it.
type Grant struct {
	Operation   Operation
	Provisioner ProvisionerRef

	// Extension is written into the certificate as OIDProvisioner; nil writes
	// none, and removes one that a template wrote.
	Extension *ProvisionerExtension

	// RA is set if a registration authority asked.
	RA *RegistrationAuthority

	// Issuer names the issuer to sign; "" is the CA's default.
	Issuer string

	Limits Limits

	// OneTime is the ID of the evidence, spent in the transaction that records
	// the result; nil for evidence that may be used again.
	OneTime *OneTimeID

	// CSR says what the request itself may ask for.
	CSR CSRRules

	// Subject and SANs are the names vouched for. The default templates write
	// them as they are.
	Subject pkix.Name
	SANs    []Identifier

	// AnyName leaves the names to policy: the provisioner vouches for the
	// requester, not for names.
	AnyName bool

	// OwnName marks the CA's own server certificate, to which name policies do not
	// apply: they are about others.
	OwnName bool

	// ForceCN sets an empty common name to the first DNS name, after rendering.
	ForceCN bool

	Template     Template
	TemplateData map[string]any // further variables; nil if Template is a default

	// Renew is the certificate to be issued again; nil for a new one. When it is
	// set, contents are copied from it and Template is not used.
	Renew *x509.Certificate

	// SSH is set in grants for SSH certificates, and only there.
	SSH *SSHGrant
}

// A OneTimeID identifies evidence that works once.
type OneTimeID struct {
	ID string

	// Expires is when the evidence could no longer be accepted and the ID may be
	// forgotten; zero means never.
	Expires time.Time
}

// CSRRules are what the request itself must agree with. The zero value allows
// everything.
type CSRRules struct {
	// CommonNames are the values that a non-empty common name may have; nil
	// allows any.
	CommonNames []string

	// Names says how the request's alternative names relate to Grant.SANs.
	Names NameRule

	// Fingerprint is the SHA-256 of the request's DER, base64url without padding
	// (the "cnf" claim "x5rt#S256"); "" allows any.
	Fingerprint string
}

// A NameRule relates the names in a request to those of the grant.
type NameRule string

// The name rules. Kinds are DNS names, e-mail addresses, IP addresses and URIs.
const (
	NamesAny    NameRule = ""       // anything may be asked for
	NamesExact  NameRule = "exact"  // of each kind: none, or the same set
	NamesSubset NameRule = "subset" // DNS names must be among the grant's

	// NamesExactButURIs is NamesExact with URIs left alone: the X.509 certificate
	// that goes with an SSH certificate brings one of its own.
	NamesExactButURIs NameRule = "exact-but-uris"
)

// A Template names the template that renders a certificate.
type Template struct {
	Default string // name of a built-in template: TemplateLeaf and so on
	Source  string // text of a custom template, which then takes its place; "" for none
}

// The built-in templates for certificates that provisioners ask for.
const (
	TemplateLeaf     = "leaf"     // Subject and SANs of the grant
	TemplateAdmin    = "admin"    // subject and names of the request
	TemplateIID      = "iid"      // common name of the request; SANs of the grant, else of the request
	TemplateAttested = "attested" // as leaf, for client authentication only

	TemplateSSH        = "ssh"         // type, key ID, principals and extensions of the grant
	TemplateSSHAdmin   = "ssh-admin"   // type, key ID and principals of the request
	TemplateSSHIID     = "ssh-iid"     // principals of the request if any, else of the grant
	TemplateSSHRequest = "ssh-request" // everything of the request, with the default user extensions
)
