package provisioner

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"stepca/ca"
)

// A Profile is a kind of certificate that ACME clients can order by name
// (draft-ietf-acme-profiles). It is the provisioner's own but for what it says, and
// never allows what the provisioner does not.
type Profile struct {
	// Description tells clients what the profile is for: a text, or the URL of one.
	Description string `json:"description"`

	// Claims narrow the durations that the provisioner allows; nil leaves them.
	Claims *ProfileClaims `json:"claims,omitempty"`

	// TemplateOptions take the place of options.x509 if they name a template.
	TemplateOptions

	// Issuer names the issuer of this CA that signs; "" is the provisioner's.
	Issuer string `json:"issuer,omitempty"`

	limits   ca.Limits
	template Template
}

// ProfileClaims are the claims that a profile can have. What is nil is the
// provisioner's, with the default moved within the other two.
type ProfileClaims struct {
	MinTLSCertDuration     *ca.Duration `json:"minTLSCertDuration,omitempty"`
	DefaultTLSCertDuration *ca.Duration `json:"defaultTLSCertDuration,omitempty"`
	MaxTLSCertDuration     *ca.Duration `json:"maxTLSCertDuration,omitempty"`
}

// profileName is what profiles can be called: clients have the name on their
// command line.
var profileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// prepareProfiles makes the profiles ready, after the provisioner's own settings.
// Errors are of type FieldError, joined.
func (p *ACME) prepareProfiles(s *setup) error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(p.Profiles)) {
		faults = append(faults, p.prepareProfile(s, name))
	}
	if p.DefaultProfile != "" && p.Profiles[p.DefaultProfile] == nil {
		faults = append(faults, &FieldError{"defaultProfile", fmt.Errorf("there is no profile called %q", p.DefaultProfile)})
	}
	return errors.Join(faults...)
}

func (p *ACME) prepareProfile(s *setup, name string) error {
	at, profile := "profiles."+name, p.Profiles[name]
	switch {
	case !profileName.MatchString(name):
		return &FieldError{"profiles", fmt.Errorf("%q cannot be the name of a profile: it takes up to 64 letters, digits, dots, hyphens and underscores", name)}
	case profile == nil:
		return &FieldError{at, errors.New("the profile is null")}
	case profile.Description == "":
		return &FieldError{at + ".description", errors.New("clients have to be told what the profile is for")}
	}
	var fault *FieldError
	if profile.limits, fault = profile.Claims.narrow(p.rules.TLS); fault != nil {
		return &FieldError{at + ".claims." + fault.Path, fault.Err}
	}
	template, err := profile.TemplateOptions.load(s.stepPath)
	if err != nil {
		return &FieldError{at, err}
	}
	profile.template = template
	if template.Source == "" {
		profile.template.Source = p.templates.x509.Source
	}
	if template.Data == nil {
		profile.template.Data = p.templates.x509.Data
	}
	return nil
}

// narrow returns the limits within outer that the claims leave. The fault is of the
// claim in its Path.
func (c *ProfileClaims) narrow(outer ca.Limits) (ca.Limits, *FieldError) {
	if c == nil {
		return outer, nil
	}
	l := outer
	override(&l.Min, (*time.Duration)(c.MinTLSCertDuration))
	override(&l.Max, (*time.Duration)(c.MaxTLSCertDuration))
	l.Default = min(max(l.Default, l.Min), l.Max)
	override(&l.Default, (*time.Duration)(c.DefaultTLSCertDuration))
	switch {
	case l.Min < outer.Min:
		return l, claimFault("minTLSCertDuration", "%v is less than the provisioner's minimum of %v", l.Min, outer.Min)
	case l.Max > outer.Max:
		return l, claimFault("maxTLSCertDuration", "%v is more than the provisioner's maximum of %v", l.Max, outer.Max)
	case l.Max < l.Min:
		return l, claimFault("maxTLSCertDuration", "%v is less than the minimum of %v", l.Max, l.Min)
	case l.Default < l.Min || l.Default > l.Max:
		return l, claimFault("defaultTLSCertDuration", "%v is not between %v and %v", l.Default, l.Min, l.Max)
	}
	return l, nil
}

func claimFault(claim, format string, args ...any) *FieldError {
	return &FieldError{claim, fmt.Errorf(format, args...)}
}

// profileTemplates returns the custom templates of the profiles.
func (p *ACME) profileTemplates() []NamedTemplate {
	var list []NamedTemplate
	for _, name := range slices.Sorted(maps.Keys(p.Profiles)) {
		if source := p.Profiles[name].template.Source; source != "" && source != p.templates.x509.Source {
			list = append(list, NamedTemplate{p.Ref(), "profiles." + name, false, source})
		}
	}
	return list
}

// ProfileDescriptions returns what clients are told of the profiles, by name; nil if
// there are none.
func (p *ACME) ProfileDescriptions() map[string]string {
	if len(p.Profiles) == 0 {
		return nil
	}
	descriptions := make(map[string]string, len(p.Profiles))
	for name, profile := range p.Profiles {
		descriptions[name] = profile.Description
	}
	return descriptions
}
