package provisioner

import (
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
	r.UserSSH = mergeSSHLimits(r.UserSSH, c.MinUserSSHCertDuration, c.DefaultUserSSHCertDuration, c.MaxUserSSHCertDuration)
	r.HostSSH = mergeSSHLimits(r.HostSSH, c.MinHostSSHCertDuration, c.DefaultHostSSHCertDuration, c.MaxHostSSHCertDuration)
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

// mergeSSHLimits is mergeLimits for durations that the reference never compares:
// a maximum below the inherited default stands alone in configurations that work.
// What is inherited yields to what is said, but nothing makes a maximum longer.
func mergeSSHLimits(l ca.Limits, minimum, standard, maximum *ca.Duration) ca.Limits {
	l = mergeLimits(l, minimum, standard, maximum)
	if minimum == nil {
		l.Min = min(l.Min, l.Max)
	}
	if standard == nil {
		l.Default = min(max(l.Default, l.Min), l.Max)
	}
	return l
}

func override[T any](dst, src *T) {
	if src != nil {
		*dst = *src
	}
}
