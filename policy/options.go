package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Options are a policy as the configuration and the store hold it.
type Options struct {
	X509 *X509Options `json:"x509,omitempty"`
	SSH  *SSHOptions  `json:"ssh,omitempty"`
}

// X509Options are the rules for X.509 certificates.
type X509Options struct {
	Allow *X509Names `json:"allow,omitempty"`
	Deny  *X509Names `json:"deny,omitempty"`

	// AllowWildcardNames lets a literal wildcard name such as *.example.com pass
	// where a rule *.example.com allows hosts of that domain.
	AllowWildcardNames bool `json:"allowWildcardNames,omitempty"`

	// Strict denies a kind that has only deny rules as soon as another kind has
	// an allow rule. Compatible: unset, such a kind allows all it does not deny,
	// and deny rules for cn free other common names from the rules for dns, ip,
	// email and uri.
	Strict bool `json:"strict,omitempty"`
}

// X509Names are name rules by kind.
type X509Names struct {
	CommonNames []string `json:"cn,omitempty"`    // any text, without regard to case
	DNS         []string `json:"dns,omitempty"`   // host.example.com, *.example.com
	IPs         []string `json:"ip,omitempty"`    // an address or a range in CIDR form
	Emails      []string `json:"email,omitempty"` // joe@example.com, or for any local part @example.com or example.com
	URIs        []string `json:"uri,omitempty"`   // the host, as for dns

	// Other are names that none of the kinds above covers (otherName,
	// directoryName, registeredID, …), as messages show them, or their first
	// words: "userPrincipalName", "userPrincipalName joe@example.com",
	// "otherName 1.2.3.4". Without an allow rule here any policy denies them.
	Other []string `json:"other,omitempty"`
}

// SSHOptions are the rules for SSH certificates by type. If only one of them has
// rules, certificates of the other type are denied.
type SSHOptions struct {
	User *SSHTypeOptions `json:"user,omitempty"`
	Host *SSHTypeOptions `json:"host,omitempty"`
}

// SSHTypeOptions are the rules for one type of SSH certificate.
type SSHTypeOptions struct {
	Allow *SSHNames `json:"allow,omitempty"`
	Deny  *SSHNames `json:"deny,omitempty"`
}

// SSHNames are rules for principals by what they look like. A user's principal
// is an e-mail address if it holds an "@", and else matched by Principals; a
// host's is an address, an e-mail address or a DNS name.
type SSHNames struct {
	DNS        []string `json:"dns,omitempty"`
	IPs        []string `json:"ip,omitempty"`
	Emails     []string `json:"email,omitempty"`
	Principals []string `json:"principal,omitempty"` // any text without regard to case; "*" is any
}

// A Policy is a compiled policy. A nil member has no rules and allows every name.
type Policy struct {
	X509 *X509
	SSH  *SSH
}

// Parse compiles the JSON form of Options; nothing and null are a policy without
// rules. The error is a *RuleError if rules are at fault.
func Parse(raw json.RawMessage) (*Policy, error) {
	var o Options
	if len(bytes.TrimSpace(raw)) > 0 {
		if err := json.Unmarshal(raw, &o); err != nil {
			return nil, err
		}
	}
	return New(&o)
}

// New compiles a policy. The error is a *RuleError with all faults.
func New(o *Options) (*Policy, error) {
	var p Policy
	var found faults
	if o != nil {
		p.X509 = newX509(o.X509, found.at("x509"))
		p.SSH = newSSH(o.SSH, found.at("ssh"))
	}
	if err := found.err(); err != nil {
		return nil, err
	}
	return &p, nil
}

// A RuleError lists the rules that cannot be understood.
type RuleError struct{ Faults []Fault }

// A Fault is one rule that cannot be understood.
type Fault struct {
	Path string // of the rule within the policy: x509.allow.dns[0]
	Err  error
}

// Error implements error. It leaves out the paths; each fault quotes its rule.
func (e *RuleError) Error() string {
	texts := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		texts[i] = f.Err.Error()
	}
	return strings.Join(texts, "; ")
}

// faults collects the faults found under a path.
type faults struct {
	list *[]Fault
	path string
}

// at returns a collector for what stands below path.
func (f *faults) at(path string) faults {
	if f.list == nil {
		f.list = new([]Fault)
	}
	if f.path != "" {
		path = f.path + "." + path
	}
	return faults{f.list, path}
}

func (f *faults) add(index int, err error) {
	*f.list = append(*f.list, Fault{Path: fmt.Sprintf("%s[%d]", f.path, index), Err: err})
}

func (f *faults) err() error {
	if f.list == nil || len(*f.list) == 0 {
		return nil
	}
	return &RuleError{Faults: *f.list}
}
