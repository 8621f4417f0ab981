package template

import (
	"encoding/json"

	"stepca/ca"
)

// SSHData is what an SSH certificate template sees.
type SSHData struct {
	// What the provisioner vouches for: .Type, .KeyID, .Principals, .Extensions
	// and .CriticalOptions.
	Type            ca.SSHCertType
	KeyID           string
	Principals      []string
	Extensions      map[string]string
	CriticalOptions map[string]string

	// Values are all further variables, as in X509Data. They shadow those above.
	Values map[string]any

	Webhooks map[string]any // .Webhooks; nil for none

	CR SSHRequest // .Insecure.CR

	User json.RawMessage // .Insecure.User, as in X509Data
}

// An SSHRequest is what the requester asks for, as templates see it.
type SSHRequest struct {
	Key        any    // the public key to certify, an ssh.PublicKey
	Type       string // "user", "host" or ""
	KeyID      string
	Principals []string
}

func (d *SSHData) variables() map[string]any {
	vars := make(map[string]any, len(d.Values)+7)
	vars[varType] = string(d.Type)
	vars[varKeyID] = d.KeyID
	vars[varPrincipals] = d.Principals
	vars[varExtensions] = anyMap(d.Extensions)
	vars[varCriticalOptions] = anyMap(d.CriticalOptions)
	addValues(vars, d.Values)
	if d.Webhooks != nil {
		vars[varWebhooks] = cloneJSON(d.Webhooks)
	}
	vars[varInsecure] = insecure(d.CR, d.User)
	return vars
}

// anyMap copies a map into the type that sprig's dictionary functions take.
func anyMap(m map[string]string) map[string]any {
	if m == nil {
		return nil
	}
	c := make(map[string]any, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}
