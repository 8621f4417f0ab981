package template

import (
	"encoding/json"
	"maps"
)

// Names of template variables.
const (
	varSubject         = "Subject"
	varSANs            = "SANs"
	varInsecure        = "Insecure"
	varCR              = "CR"
	varUser            = "User"
	varWebhooks        = "Webhooks"
	varType            = "Type"
	varKeyID           = "KeyID"
	varPrincipals      = "Principals"
	varExtensions      = "Extensions"
	varCriticalOptions = "CriticalOptions"
)

// X509Data is what an X.509 template sees.
type X509Data struct {
	Subject Name  // .Subject
	SANs    []SAN // .SANs, in the order dns, ip, email, uri

	// Values are all further variables: .Token, .AuthorizationCrt,
	// .AuthorizationChain and the operator's templateData. They shadow .Subject
	// and .SANs. Maps and lists in it are copied before a template sees them.
	Values map[string]any

	Webhooks map[string]any // .Webhooks: replies of enriching webhooks by name; nil for none

	CR *CertificateRequest // .Insecure.CR

	// User is the JSON object the requester sent along, .Insecure.User. Anything
	// but an object is an empty one; nil leaves the variable out. Default
	// templates do not see it.
	User json.RawMessage
}

// variables returns the data of a custom template.
func (d *X509Data) variables() map[string]any {
	vars := make(map[string]any, len(d.Values)+4)
	vars[varSubject] = d.Subject
	vars[varSANs] = d.SANs
	addValues(vars, d.Values)
	if d.Webhooks != nil {
		vars[varWebhooks] = cloneJSON(d.Webhooks)
	}
	vars[varInsecure] = insecure(d.CR, d.User)
	return vars
}

// shadowed reports whether Values has one of the variables.
func shadowed(values map[string]any, names ...string) bool {
	for _, name := range names {
		if _, ok := values[name]; ok {
			return true
		}
	}
	return false
}

// addValues copies values to vars, but for what the requester controls.
func addValues(vars, values map[string]any) {
	for name, v := range values {
		if name != varInsecure {
			vars[name] = cloneJSON(v)
		}
	}
}

func insecure(cr any, user json.RawMessage) map[string]any {
	vars := map[string]any{varCR: cr}
	if len(user) > 0 {
		vars[varUser] = userData(user)
	}
	return vars
}

// userData decodes an object, and takes anything else for an empty one.
func userData(raw json.RawMessage) map[string]any {
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil || object == nil {
		return map[string]any{}
	}
	return object
}

// cloneJSON copies the maps and lists of a JSON value: templates can change them
// (sprig's set and unset), and requests at the same time share the original.
func cloneJSON(v any) any {
	switch v := v.(type) {
	case map[string]any:
		c := maps.Clone(v)
		for k, e := range c {
			c[k] = cloneJSON(e)
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i, e := range v {
			c[i] = cloneJSON(e)
		}
		return c
	}
	return v
}
