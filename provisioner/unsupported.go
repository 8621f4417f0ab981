package provisioner

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"stepca/ca"
	"stepca/jsonobject"
)

// An Unsupported provisioner is of a type that this version knows of and cannot
// serve. It keeps its ID, its name and its configuration, is listed as
// uninitialized, and refuses everything.
type Unsupported struct {
	Named
	Settings
}

// An unsupportedType describes the JSON of a type: its members between the
// common ones, in the order in which they are listed, and its token ID.
type unsupportedType struct {
	members []string
	secrets map[string]string // what the public list shows in the place of a member
	tokenID func(p *Unsupported) string
}

// What the public list shows in the place of secrets, as text and as bytes.
const (
	redactedText  = `"*** REDACTED ***"`
	redactedBytes = `"KioqIFJFREFDVEVEICoqKg=="`
)

// description returns the description of a type.
func (p *Unsupported) description() unsupportedType {
	prefixed := func(prefix string) func(*Unsupported) string {
		return func(p *Unsupported) string { return prefix + p.Name }
	}
	member := func(name string) func(*Unsupported) string {
		return func(p *Unsupported) string { return p.text(name) }
	}
	switch typeNamed(p.Type) {
	case ca.TypeOIDC:
		return unsupportedType{
			members: []string{"clientID", "clientSecret", "configurationEndpoint", "tenantID", "admins", "domains",
				"groups", "listenAddress", "scopes", "authParams"},
			tokenID: member("clientID"),
		}
	case ca.TypeGCP:
		return unsupportedType{
			members: []string{"serviceAccounts", "projectIDs", "organizationID", "disableCustomSANs",
				"disableTrustOnFirstUse", "disableSSHCAUser", "disableSSHCAHost", "instanceAge"},
			tokenID: prefixed("gcp/"),
		}
	case ca.TypeAWS:
		return unsupportedType{
			members: []string{"accounts", "disableCustomSANs", "disableTrustOnFirstUse", "imdsVersions",
				"instanceAge", "iidRoots"},
			tokenID: prefixed("aws/"),
		}
	case ca.TypeAzure:
		return unsupportedType{
			members: []string{"tenantID", "resourceGroups", "subscriptionIDs", "objectIDs", "audience",
				"disableCustomSANs", "disableTrustOnFirstUse"},
			tokenID: member("tenantID"),
		}
	case ca.TypeX5C:
		return unsupportedType{members: []string{"roots"}, tokenID: prefixed("x5c/")}
	case ca.TypeNebula:
		return unsupportedType{members: []string{"roots"}, tokenID: prefixed("nebula/")}
	case ca.TypeK8sSA:
		return unsupportedType{
			members: []string{"publicKeys"},
			tokenID: func(*Unsupported) string { return k8sTokenID },
		}
	default: // SCEP
		return unsupportedType{
			members: []string{"forceCN", "challenge", "capabilities", "includeRoot", "excludeIntermediate",
				"minimumPublicKeyLength", "decrypterCertificate", "decrypterKeyPEM", "decrypterKey",
				"decrypterKeyPassword", "encryptionAlgorithmIdentifier"},
			secrets: map[string]string{
				"challenge": redactedText, "decrypterKey": redactedText, "decrypterKeyPassword": redactedText,
				"decrypterCertificate": redactedBytes, "decrypterKeyPEM": redactedBytes,
			},
			tokenID: prefixed("scep/"),
		}
	}
}

// knows reports whether the type has a member of that name.
func (p *Unsupported) knows(name string) bool {
	return containsFold(p.description().members, name)
}

// text returns the value of a member that is a string, "" otherwise.
func (p *Unsupported) text(name string) string {
	var s string
	for _, m := range p.unknown {
		if len(m.parent) == 0 && strings.EqualFold(m.Name, name) && json.Unmarshal(m.Value, &s) != nil {
			s = ""
		}
	}
	return s
}

// TokenID implements Provisioner.
func (p *Unsupported) TokenID() string { return p.description().tokenID(p) }

// Ref implements Provisioner.
func (p *Unsupported) Ref() ca.ProvisionerRef { return p.ref(typeNamed(p.Type), p.TokenID()) }

func (p *Unsupported) prepare(s *setup) error {
	if err := p.prepareClaims(s, p.Claims); err != nil {
		return err
	}
	return fmt.Errorf("provisioners of type %s are not supported by this version", typeNamed(p.Type))
}

// MarshalJSON implements json.Marshaler. The members of the type stand where
// they do in other types: after the name, before the claims.
func (p *Unsupported) MarshalJSON() ([]byte, error) {
	type plain Unsupported
	details := make([]jsonobject.Member, 0, len(p.unknown))
	inner := Named{Name: p.Name}
	for _, m := range p.unknown {
		if len(m.parent) == 0 {
			details = append(details, m.Member)
		} else {
			inner.unknown = append(inner.unknown, m)
		}
	}
	out, err := inner.marshal((*plain)(p))
	if err != nil {
		return nil, err
	}
	return insertAfterName(out, details)
}

// public returns what the list of provisioners shows.
func (p *Unsupported) public() (json.RawMessage, error) {
	type plain Unsupported
	out, err := json.Marshal((*plain)(p))
	if err != nil {
		return nil, err
	}
	description := p.description()
	var details []jsonobject.Member
	for _, name := range description.members {
		for _, m := range p.unknown {
			if len(m.parent) > 0 || !strings.EqualFold(m.Name, name) {
				continue
			}
			shown := jsonobject.Member{Name: name, Value: m.Value}
			if redacted, secret := description.secrets[name]; secret {
				shown.Value = json.RawMessage(redacted)
			}
			details = append(details, shown)
		}
	}
	return insertAfterName(out, details)
}

// insertAfterName puts members between the first two of an object, type and
// name, and the others.
func insertAfterName(raw json.RawMessage, details []jsonobject.Member) (json.RawMessage, error) {
	members, err := jsonobject.Parse(raw)
	if err != nil {
		return nil, err
	}
	return slices.Insert(members, 2, details...).MarshalJSON()
}

// An Unknown provisioner is of a type this version has never heard of. It is
// kept for whoever has, and takes part in nothing.
type Unknown struct {
	Named
	raw json.RawMessage
}

func parseUnknown(raw json.RawMessage) (Provisioner, error) {
	p := &Unknown{raw: slices.Clone(raw)}
	if err := json.Unmarshal(raw, &p.Named); err != nil {
		return nil, &FieldError{"", err}
	}
	return p, nil
}

// TokenID returns "": no token finds it.
func (p *Unknown) TokenID() string { return "" }

// Ref implements Provisioner; Type is as configured.
func (p *Unknown) Ref() ca.ProvisionerRef {
	return ca.ProvisionerRef{ID: p.id, Name: p.Name, Type: p.Type}
}

// MarshalJSON returns the JSON it was parsed from.
func (p *Unknown) MarshalJSON() ([]byte, error) { return p.raw, nil }

func (p *Unknown) prepare(*setup) error {
	return fmt.Errorf("provisioners of type %s are not known", p.Type)
}
