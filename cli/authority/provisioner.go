package authority

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"stepca/ca"
	"stepca/cli"
)

// A Provisioner is one of those that a CA lists, with what commands need of it.
type Provisioner struct {
	Type string `json:"type"` // in the spelling of the CA's configuration
	Name string `json:"name"`
	Key  struct {
		KeyID string `json:"kid"`
	} `json:"key"` // JWK
	EncryptedKey string `json:"encryptedKey"` // JWK
	TenantID     string `json:"tenantID"`     // Azure

	// OIDC
	ClientID              string   `json:"clientID"`
	ClientSecret          string   `json:"clientSecret"`
	ConfigurationEndpoint string   `json:"configurationEndpoint"`
	ListenAddress         string   `json:"listenAddress"`
	Scopes                []string `json:"scopes"`
	AuthParams            []string `json:"authParams"`
}

// Is reports whether the provisioner is of the type.
func (p *Provisioner) Is(typ ca.ProvisionerType) bool { return strings.EqualFold(p.Type, typ.String()) }

// kid is what --kid matches.
func (p *Provisioner) kid() string {
	if p.Is(ca.TypeOIDC) {
		return p.ClientID
	}
	return p.Key.KeyID
}

// String describes the provisioner as lists of choices show it.
func (p *Provisioner) String() string {
	typ := p.canonicalType()
	switch {
	case p.Is(ca.TypeJWK):
		return fmt.Sprintf("%s (%s) [kid: %s]", p.Name, typ, p.Key.KeyID)
	case p.Is(ca.TypeOIDC):
		return fmt.Sprintf("%s (%s) [client: %s]", p.Name, typ, p.ClientID)
	case p.Is(ca.TypeAzure):
		return fmt.Sprintf("%s (%s) [tenant: %s]", p.Name, typ, p.TenantID)
	}
	return fmt.Sprintf("%s (%s)", p.Name, typ)
}

// canonicalType is the type in its usual spelling.
func (p *Provisioner) canonicalType() string {
	for typ := ca.TypeJWK; typ <= ca.TypeNebula; typ++ {
		if p.Is(typ) {
			return typ.String()
		}
	}
	return p.Type
}

// parseProvisioners parses a CA's list. Elements that are no provisioner in any
// form we know are left out.
func parseProvisioners(list []json.RawMessage) []*Provisioner {
	var out []*Provisioner
	for _, raw := range list {
		p := new(Provisioner)
		if json.Unmarshal(raw, p) == nil {
			out = append(out, p)
		}
	}
	return out
}

// A choice says which provisioners are meant; zero fields mean any.
type choice struct {
	types []ca.ProvisionerType
	kid   string
	name  string
}

// choose returns the one provisioner that is meant, asking the user if there are
// several.
func (c choice) choose(env *cli.Env, list []*Provisioner) (*Provisioner, error) {
	if c.types != nil {
		list = filter(list, func(p *Provisioner) bool { return slices.ContainsFunc(c.types, p.Is) })
	}
	if len(list) == 0 {
		return nil, errors.New("cannot create a new token: the CA does not have any provisioner configured")
	}
	if c.kid != "" {
		if list = filter(list, func(p *Provisioner) bool { return p.kid() == c.kid }); len(list) == 0 {
			return nil, cli.InvalidValue("kid", c.kid)
		}
	}
	if c.name != "" {
		known := knownNames(list)
		if list = filter(list, func(p *Provisioner) bool { return p.Name == c.name }); len(list) == 0 {
			return nil, cli.WithHint(cli.InvalidValue("provisioner", c.name), known)
		}
	}
	chosen := 0
	if len(list) > 1 {
		items := make([]string, len(list))
		for i, p := range list {
			items[i] = p.String()
		}
		var err error
		chosen, err = env.Prompt.Select(cli.Question{Label: "What provisioner key do you want to use?", Flag: "provisioner"}, items)
		if err != nil {
			return nil, err
		}
	}
	env.Selected("Provisioner", list[chosen].String())
	return list[chosen], nil
}

// shownNames is how many provisioners an error names.
const shownNames = 10

// knownNames tells what the choice is.
func knownNames(list []*Provisioner) string {
	names := make([]string, 0, shownNames)
	for i, p := range list {
		if i == shownNames {
			return "Among the provisioners that can be used here are " + strings.Join(names, ", ") + "."
		}
		names = append(names, p.Name)
	}
	return "The provisioners that can be used here are " + strings.Join(names, ", ") + "."
}

func filter(list []*Provisioner, keep func(*Provisioner) bool) []*Provisioner {
	return slices.DeleteFunc(slices.Clone(list), func(p *Provisioner) bool { return !keep(p) })
}
