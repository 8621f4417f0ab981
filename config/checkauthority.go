package config

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"regexp"
	"strings"

	"stepca/policy"
	"stepca/provisioner"
)

// checkType checks authority.type and the keys that belong to it.
func (a *Authority) checkType(r *report) {
	switch a.CAType() {
	case SoftCAS:
	case StepCAS:
		a.checkUpstream(r, "stepCAS")
		a.CertificateIssuer.check(r)
	case VaultCAS:
		a.checkUpstream(r, "vaultCAS")
		if len(a.Config) == 0 {
			r.errorf("authority.config", "error decoding vaultCAS config: unexpected end of JSON input")
		}
	case CloudCAS:
		a.checkCloud(r)
	default:
		r.errorf("authority.type", "unsupported cas type %s", a.Type).suggest("the types are softcas, stepcas, cloudcas and vaultcas")
	}
	if strings.EqualFold(a.DeploymentType, LinkedDeployment) {
		r.errorf("authority.deploymentType", "deployment type %q needs a hosted service that is not part of this software", LinkedDeployment).
			suggest("remove it, and set enableAdmin to keep provisioners in the database")
	}
}

func (a *Authority) checkUpstream(r *report, kind string) {
	if a.CertificateAuthority == "" {
		r.errorf("authority.certificateAuthority", "%s 'certificateAuthority' cannot be empty", kind)
	}
	switch sum, err := hex.DecodeString(a.CertificateAuthorityFingerprint); {
	case a.CertificateAuthorityFingerprint == "":
		r.errorf("authority.certificateAuthorityFingerprint", "%s 'certificateAuthorityFingerprint' cannot be empty", kind)
	case err != nil || len(sum) != 32:
		r.errorf("authority.certificateAuthorityFingerprint", "the fingerprint is not a SHA-256 in hexadecimal").
			suggest("step certificate fingerprint prints that of a root")
	}
}

// cloudResource is the form of names in Google's Certificate Authority Service.
var cloudResource = regexp.MustCompile(`^projects/[^/]+/locations/[^/]+/caPools/[^/]+/certificateAuthorities/[^/]+$`)

func (a *Authority) checkCloud(r *report) {
	const at = "authority.certificateAuthority"
	switch {
	case a.CertificateAuthority == "":
		r.errorf(at, "cloudCAS 'certificateAuthority' cannot be empty")
	case !cloudResource.MatchString(a.CertificateAuthority):
		r.errorf(at, "cloudCAS 'certificateAuthority' is not valid certificate authority resource").
			suggest("it is projects/<p>/locations/<l>/caPools/<pool>/certificateAuthorities/<ca>")
	}
}

func (ci *CertificateIssuer) check(r *report) {
	const at = "authority.certificateIssuer"
	if ci == nil {
		r.errorf(at, "stepCAS 'certificateIssuer' cannot be nil")
		return
	}
	required := func(key, value string) {
		if value == "" {
			r.errorf(at+"."+key, "stepCAS `certificateIssuer.%s` cannot be empty", key)
		}
	}
	switch strings.ToLower(ci.Type) {
	case "jwk":
	case "x5c":
		required("crt", ci.Crt)
		required("key", ci.Key)
	case "":
		required("type", "")
	default:
		r.errorf(at+".type", "stepCAS `certificateIssuer.type` %s is not supported", ci.Type).suggest("the types are jwk and x5c")
	}
	required("provisioner", ci.Provisioner)
}

// check checks what all types of authority have.
func (a *Authority) check(r *report) {
	if a.Backdate != nil && *a.Backdate < 0 {
		r.errorf("authority.backdate", "authority.backdate cannot be less than 0")
	}
	rules, faults := provisioner.EffectiveRules(a.Claims)
	for _, fault := range faults {
		f := r.errorf(claimPath("authority.claims", a.Claims, fault), "error generating provisioner config: %v", fault)
		suggestDefault(f, a.Claims, rules, fault)
	}
	checkPolicy(r, "authority.policy", a.Policy)
}

// suggestDefault tells of the one mistake that everybody makes: a maximum below
// a default that was not given, and so has its built-in value.
func suggestDefault(f *Fault, c *provisioner.Claims, rules provisioner.Rules, fault *provisioner.ClaimError) {
	if !fault.SSH && c != nil && c.DefaultTLSCertDuration == nil && rules.TLS.Max < rules.TLS.Default {
		f.suggest("set defaultTLSCertDuration too, to %v at most", rules.TLS.Max)
	}
}

// claimPath returns the path of the first claim of a fault that stands in these
// claims, or else theirs.
func claimPath(at string, c *provisioner.Claims, fault *provisioner.ClaimError) string {
	var given map[string]json.RawMessage
	if data, err := json.Marshal(c); err == nil {
		json.Unmarshal(data, &given)
	}
	for _, name := range fault.Claims {
		if _, ok := given[name]; ok {
			return at + "." + name
		}
	}
	return at
}

func checkPolicy(r *report, at string, o *policy.Options) {
	if o == nil {
		return
	}
	_, err := policy.New(o)
	if rules, ok := errors.AsType[*policy.RuleError](err); ok {
		for _, f := range rules.Faults {
			r.errorf(at+"."+f.Path, "%v", f.Err)
		}
	} else if err != nil {
		r.errorf(at, "%v", err)
	}
}

// checkProvisioners checks each provisioner and that they can be told apart.
func (c *Config) checkProvisioners(r *report) {
	ids := map[string]string{}   // ID to path
	names := map[string]string{} // name to path
	for i, raw := range c.Authority.Provisioners {
		at := index("authority.provisioners", i)
		p, err := provisioner.Parse(raw)
		if err != nil {
			reportProvisioner(r, at, err)
			continue
		}
		if _, ok := p.(*provisioner.Unknown); ok {
			continue // checkUnknown tells
		}
		c.checkProvisioner(r, at, raw, p)
		ref := p.Ref()
		if first, ok := ids[ref.ID]; ok {
			text := "cannot add multiple provisioners with the same id"
			if ref.Type == "K8sSA" {
				text = "cannot have more than one kubernetes service account provisioner"
			}
			r.errorf(at, "%s", text).suggest("the other is %s", first)
		} else if first, ok := names[ref.Name]; ok {
			r.errorf(at+".name", "cannot add multiple provisioners with the same name").suggest("the other is %s", first)
		}
		ids[ref.ID], names[ref.Name] = at, at
	}
}

func reportProvisioner(r *report, at string, err error) {
	if f, ok := errors.AsType[*provisioner.FieldError](err); ok && f.Path != "" {
		r.errorf(at+"."+f.Path, "%v", f.Err)
		return
	}
	r.errorf(at, "%v", err)
}

// checkProvisioner checks what the types have in common.
func (c *Config) checkProvisioner(r *report, at string, raw json.RawMessage, p provisioner.Provisioner) {
	var common struct {
		Claims *provisioner.Claims
		Policy *policy.Options
	}
	if err := json.Unmarshal(raw, &common); err != nil {
		r.errorf(at, "%v", err)
		return
	}
	c.checkProvisionerClaims(r, at+".claims", p.Ref().Name, common.Claims)
	checkPolicy(r, at+".policy", common.Policy)
	if u, ok := p.(*provisioner.Unsupported); ok {
		r.warnf(at+".type", "provisioners of type %s cannot be used with this version", u.Type)
	}
}

// checkProvisionerClaims checks claims on top of the authority's, whose own faults
// are told there.
func (c *Config) checkProvisionerClaims(r *report, at, name string, claims *provisioner.Claims) {
	if _, broken := provisioner.EffectiveRules(c.Authority.Claims); len(broken) > 0 {
		return
	}
	rules, faults := provisioner.EffectiveRules(c.Authority.Claims, claims)
	for _, fault := range faults {
		path := claimPath(at, claims, fault)
		if fault.SSH {
			r.errorf(path, "%v", fault)
			continue
		}
		// Compatible: the server starts without it.
		suggestDefault(r.warnf(path, "provisioner %q is disabled: %v", name, fault), claims, rules, fault)
	}
}
