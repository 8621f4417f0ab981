package provisioner

import (
	"errors"
	"fmt"
	"time"

	"stepca/ca"
)

// Claims are limits and switches as the configuration has them, at the level of
// the authority or of a provisioner. What is nil is inherited: the provisioner's
// claims from the authority's, those from the built-in ones.
type Claims struct {
	MinTLSCertDuration         *ca.Duration `json:"minTLSCertDuration,omitempty"`
	MaxTLSCertDuration         *ca.Duration `json:"maxTLSCertDuration,omitempty"`
	DefaultTLSCertDuration     *ca.Duration `json:"defaultTLSCertDuration,omitempty"`
	MinUserSSHCertDuration     *ca.Duration `json:"minUserSSHCertDuration,omitempty"`
	MaxUserSSHCertDuration     *ca.Duration `json:"maxUserSSHCertDuration,omitempty"`
	DefaultUserSSHCertDuration *ca.Duration `json:"defaultUserSSHCertDuration,omitempty"`
	MinHostSSHCertDuration     *ca.Duration `json:"minHostSSHCertDuration,omitempty"`
	MaxHostSSHCertDuration     *ca.Duration `json:"maxHostSSHCertDuration,omitempty"`
	DefaultHostSSHCertDuration *ca.Duration `json:"defaultHostSSHCertDuration,omitempty"`

	// EnableSSHCA lets tokens of the provisioner sign SSH certificates.
	EnableSSHCA *bool `json:"enableSSHCA,omitempty"`

	// DisableRenewal forbids renewal, X.509 and SSH alike.
	DisableRenewal *bool `json:"disableRenewal,omitempty"`

	// AllowRenewalAfterExpiry lets expired certificates be renewed.
	AllowRenewalAfterExpiry *bool `json:"allowRenewalAfterExpiry,omitempty"`

	// DisableSmallstepExtensions leaves the provisioner extension out of
	// certificates.
	DisableSmallstepExtensions *bool `json:"disableSmallstepExtensions,omitempty"`

	// MaxTokenLifetime, if set, requires tokens to expire, and to do so within
	// this time from now. The reference has no such limit.
	MaxTokenLifetime *ca.Duration `json:"maxTokenLifetime,omitempty"`
}

// Rules are the claims in effect.
type Rules struct {
	TLS, UserSSH, HostSSH ca.Limits

	EnableSSHCA                bool
	DisableRenewal             bool
	AllowRenewalAfterExpiry    bool
	DisableSmallstepExtensions bool
	MaxTokenLifetime           time.Duration // zero for no limit
}

// builtinRules returns the rules of a configuration without any claims.
func builtinRules() Rules {
	return Rules{
		TLS:     ca.Limits{Min: 5 * time.Minute, Default: 24 * time.Hour, Max: 24 * time.Hour},
		UserSSH: ca.Limits{Min: 5 * time.Minute, Default: 16 * time.Hour, Max: 24 * time.Hour},
		HostSSH: ca.Limits{Min: 5 * time.Minute, Default: 720 * time.Hour, Max: 720 * time.Hour},
	}
}

// merge returns the rules with the claims of the next level applied.
func (r Rules) merge(c *Claims) Rules {
	if c == nil {
		return r
	}
	r.TLS = mergeLimits(r.TLS, c.MinTLSCertDuration, c.DefaultTLSCertDuration, c.MaxTLSCertDuration)
	r.UserSSH = mergeLimits(r.UserSSH, c.MinUserSSHCertDuration, c.DefaultUserSSHCertDuration, c.MaxUserSSHCertDuration)
	r.HostSSH = mergeLimits(r.HostSSH, c.MinHostSSHCertDuration, c.DefaultHostSSHCertDuration, c.MaxHostSSHCertDuration)
	override(&r.EnableSSHCA, c.EnableSSHCA)
	override(&r.DisableRenewal, c.DisableRenewal)
	override(&r.AllowRenewalAfterExpiry, c.AllowRenewalAfterExpiry)
	override(&r.DisableSmallstepExtensions, c.DisableSmallstepExtensions)
	override(&r.MaxTokenLifetime, (*time.Duration)(c.MaxTokenLifetime))
	return r
}

// mergeLimits applies one level's durations. A level that sets only a default
// outside the inherited bounds moves the bound to it.
func mergeLimits(l ca.Limits, minimum, standard, maximum *ca.Duration) ca.Limits {
	override(&l.Default, (*time.Duration)(standard))
	if standard != nil {
		l.Min = min(l.Min, l.Default)
		l.Max = max(l.Max, l.Default)
	}
	override(&l.Min, (*time.Duration)(minimum))
	override(&l.Max, (*time.Duration)(maximum))
	return l
}

func override[T any](dst, src *T) {
	if src != nil {
		*dst = *src
	}
}

// validate reports the first fault of the X.509 durations, in the words of the
// reference.
func (r Rules) validate() error {
	l := r.TLS
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"MinTLSCertDuration", l.Min},
		{"MaxTLSCertDuration", l.Max},
		{"DefaultTLSCertDuration", l.Default},
	} {
		if d.value <= 0 {
			return fmt.Errorf("claims: %s must be greater than 0", d.name)
		}
	}
	switch {
	case l.Max < l.Min:
		return fmt.Errorf("claims: MaxCertDuration cannot be less than MinCertDuration: MaxCertDuration - %v, MinCertDuration - %v", l.Max, l.Min)
	case l.Default < l.Min:
		return fmt.Errorf("claims: DefaultCertDuration cannot be less than MinCertDuration: DefaultCertDuration - %v, MinCertDuration - %v", l.Default, l.Min)
	case l.Max < l.Default:
		return fmt.Errorf("claims: MaxCertDuration cannot be less than DefaultCertDuration: MaxCertDuration - %v, DefaultCertDuration - %v", l.Max, l.Default)
	case r.MaxTokenLifetime < 0:
		return errors.New("claims: MaxTokenLifetime cannot be less than 0")
	}
	return nil
}

// validateSSH reports faults of the SSH durations. Compatible: the reference
// never looks at them, so a fault is worth a warning and nothing more; no
// certificate is issued outside of them.
func (r Rules) validateSSH() error {
	return errors.Join(
		validateSSHLimits("UserSSHCertDuration", r.UserSSH),
		validateSSHLimits("HostSSHCertDuration", r.HostSSH))
}

func validateSSHLimits(name string, l ca.Limits) error {
	if 0 < l.Min && l.Min <= l.Default && l.Default <= l.Max {
		return nil
	}
	return fmt.Errorf("claims: min%s (%v), default%s (%v) and max%s (%v) are not positive or not in ascending order",
		name, l.Min, name, l.Default, name, l.Max)
}
