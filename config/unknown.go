package config

import (
	"reflect"
	"slices"
	"strings"

	"stepca/policy"
	"stepca/provisioner"
)

// restricting are keys, in lower case, with which somebody means to keep
// certificates from being issued. Ignoring one of them is worth telling apart.
var restricting = []string{
	"policy", "allow", "deny", "webhooks", "claims", "allowwildcardnames", "admins", "requireeab",
	"disablerenewal", "domains", "groups", "accounts", "challenges", "enablesshca",
	"mintlscertduration", "maxtlscertduration", "defaulttlscertduration",
	"minusersshcertduration", "maxusersshcertduration", "defaultusersshcertduration",
	"minhostsshcertduration", "maxhostsshcertduration", "defaulthostsshcertduration",
}

// checkUnknown reports what is in the file without having a meaning. In strict
// mode these are errors.
func (c *Config) checkUnknown(r *report) {
	s := SeverityWarning
	if c.Strict {
		s = SeverityError
	}
	u := &unknowns{r, s}
	if c.trailing {
		r.add(s, "", "what follows the closing brace of the configuration has no effect")
	}
	if c.source == nil {
		return
	}
	u.walk(c.source, reflect.TypeFor[Config](), "")
	if list := c.source.get("authority").get("provisioners"); list != nil {
		for i, n := range list.items {
			u.provisioner(n, index("authority.provisioners", i))
		}
	}
}

type unknowns struct {
	r        *report
	severity Severity
}

// walk reports the members of n that a value of type t has no field for, and
// those that are there twice.
func (u *unknowns) walk(n *node, t reflect.Type, at string) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case isOpaque(t):
	case t.Kind() == reflect.Struct && n.kind == '{':
		u.walkObject(n, t, at)
	case t.Kind() == reflect.Map && n.kind == '{' && t.Elem().Kind() == reflect.Pointer:
		for _, m := range n.members {
			u.walk(m.value, t.Elem(), join(at, m.key))
		}
	case t.Kind() == reflect.Slice && n.kind == '[':
		for i, item := range n.items {
			u.walk(item, t.Elem(), index(at, i))
		}
	}
}

func (u *unknowns) walkObject(n *node, t reflect.Type, at string) {
	fields := fieldsOf(t)
	seen := map[string]bool{}
	for _, m := range n.members {
		f, ok := find(fields, m.key)
		if !ok {
			u.unknown(join(at, m.key), m.key, fields)
			continue
		}
		if seen[f.name] {
			u.r.add(u.severity, join(at, f.name), "%s is there more than once, and only the last one counts", f.name)
		}
		seen[f.name] = true
		u.walk(m.value, f.typ, join(at, f.name))
	}
}

// unknown reports one key that has no meaning where it stands.
func (u *unknowns) unknown(path, key string, siblings []field) {
	text := "unknown key %q has no effect"
	if slices.Contains(restricting, strings.ToLower(key)) {
		text = "%q has no effect here: nothing is restricted by it"
	}
	f := u.r.add(u.severity, path, text, key)
	if other := elsewhere(key); other != "" {
		f.suggest("did you mean %s?", other)
		return
	}
	names := make([]string, len(siblings))
	for i, s := range siblings {
		names[i] = s.name
	}
	if near := Nearest(key, names); near != "" {
		f.suggest("did you mean %q?", near)
	}
}

func (u *unknowns) provisioner(n *node, at string) {
	typ := n.get("type").text()
	p, err := provisioner.Parse(n.appendTo(nil))
	if err != nil {
		return // reported already
	}
	switch p.(type) {
	case *provisioner.Unknown:
		f := u.r.add(u.severity, at+".type", "provisioners of type %q are not known, and this one has no effect", typ)
		if near := Nearest(typ, provisionerTypes); near != "" {
			f.suggest("did you mean %q?", near)
		}
	case *provisioner.Unsupported:
		for _, w := range provisioner.Warnings(p) {
			u.r.add(u.severity, at, "%s", w)
		}
	default:
		u.walk(n, reflect.TypeOf(p), at)
		if names := n.get("policy"); names != nil {
			u.walk(names, reflect.TypeFor[policy.Options](), at+".policy")
		}
	}
}

var provisionerTypes = []string{"JWK", "OIDC", "GCP", "AWS", "Azure", "ACME", "X5C", "K8sSA", "SSHPOP", "SCEP", "Nebula"}

// misplaced are keys, in lower case, that are often found in the wrong place,
// with the right one.
var misplaced = map[string]string{
	"policy":               "authority.policy",
	"claims":               "authority.claims",
	"provisioners":         "authority.provisioners",
	"enableadmin":          "authority.enableAdmin",
	"backdate":             "authority.backdate",
	"disableissuedatcheck": "authority.disableIssuedAtCheck",
	"deploymenttype":       "authority.deploymentType",
	"authorityid":          "authority.authorityId",
	"password":             "the key password at the top level",
	"webhooks":             "options.webhooks of a provisioner",
	"allow":                "policy.x509.allow",
	"deny":                 "policy.x509.deny",
	"allowwildcardnames":   "policy.x509.allowWildcardNames",
}

func elsewhere(key string) string { return misplaced[strings.ToLower(key)] }

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
