package ca

import (
	"encoding/asn1"
	"errors"
	"log/slog"
)

// A ProvisionerType is the number by which the provisioner extension knows a
// type; it is fixed by the reference.
type ProvisionerType int

// The types of provisioners.
const (
	TypeNone ProvisionerType = iota
	TypeJWK
	TypeOIDC
	TypeGCP
	TypeAWS
	TypeAzure
	TypeACME
	TypeX5C
	TypeK8sSA
	TypeSSHPOP
	TypeSCEP
	TypeNebula
)

var provisionerTypes = [...]string{"", "JWK", "OIDC", "GCP", "AWS", "Azure", "ACME", "X5C", "K8sSA", "SSHPOP", "SCEP", "Nebula"}

// String returns the canonical spelling of the type, "JWK" for example.
func (t ProvisionerType) String() string {
	if t <= TypeNone || int(t) >= len(provisionerTypes) {
		return "none"
	}
	return provisionerTypes[t]
}

// A ProvisionerRef names the provisioner that vouched for something.
type ProvisionerRef struct {
	ID   string `json:"id"`   // unique in this CA: "<name>:<kid>" for a JWK, "acme/<name>" for ACME
	Name string `json:"name"` // as configured
	Type string `json:"type"` // canonical spelling of its type
}

// LogValue implements slog.LogValuer.
func (r ProvisionerRef) LogValue() slog.Value {
	return slog.GroupValue(slog.String("name", r.Name), slog.String("type", r.Type))
}

// OIDProvisioner is the extension that says which provisioner vouched for an
// X.509 certificate.
var OIDProvisioner = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 37476, 9000, 64, 1}

// A ProvisionerExtension is the value of the extension OIDProvisioner.
type ProvisionerExtension struct {
	Type          ProvisionerType
	Name          []byte
	CredentialID  []byte   // JWK: the key ID; OIDC: the client ID; empty for most
	KeyValuePairs []string `asn1:"optional,omitempty"` // k1, v1, k2, v2, …
}

// Marshal returns the DER encoding.
func (e ProvisionerExtension) Marshal() ([]byte, error) { return asn1.Marshal(e) }

// ParseProvisionerExtension parses the DER encoding.
func ParseProvisionerExtension(der []byte) (*ProvisionerExtension, error) {
	var e ProvisionerExtension
	rest, err := asn1.Unmarshal(der, &e)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, errors.New("trailing data after the provisioner extension")
	}
	return &e, nil
}

// A RegistrationAuthority says which registration authority, and which of its
// provisioners, vouched for a certificate.
type RegistrationAuthority struct {
	AuthorityID     string `json:"authorityId,omitempty"`
	EndpointID      string `json:"endpointId,omitempty"`
	ProvisionerID   string `json:"provisionerId,omitempty"`
	ProvisionerType string `json:"provisionerType,omitempty"`
	ProvisionerName string `json:"provisionerName,omitempty"`
}
