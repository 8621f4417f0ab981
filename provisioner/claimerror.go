package provisioner

import (
	"fmt"
	"time"

	"stepca/ca"
)

// A ClaimError is about claims that cannot be used, or not together.
type ClaimError struct {
	Claims []string // their names in JSON, the likeliest culprit first
	SSH    bool     // they are about SSH certificates
	text   string
}

// Error returns what is wrong, for X.509 in the words of the reference.
func (e *ClaimError) Error() string { return "claims: " + e.text }

// validate reports the first fault.
func (r Rules) validate() error {
	if faults := r.faults(); len(faults) > 0 {
		return faults[0]
	}
	return nil
}

// faults returns all that is wrong: one fault of each kind of certificate, and
// others.
func (r Rules) faults() []*ClaimError {
	var found []*ClaimError
	for _, kind := range []struct {
		name, short string // in claims, and in the reference's comparisons
		limits      ca.Limits
		ssh         bool
	}{
		{"TLSCertDuration", "CertDuration", r.TLS, false},
		{"UserSSHCertDuration", "UserSSHCertDuration", r.UserSSH, true},
		{"HostSSHCertDuration", "HostSSHCertDuration", r.HostSSH, true},
	} {
		if e := limitsFault(kind.name, kind.short, kind.limits, kind.ssh); e != nil {
			e.SSH = kind.ssh
			found = append(found, e)
		}
	}
	if r.MaxTokenLifetime < 0 {
		found = append(found, &ClaimError{Claims: []string{"maxTokenLifetime"}, text: "MaxTokenLifetime cannot be less than 0"})
	}
	return found
}

// limitsFault returns what is wrong with the durations of one kind, or nil. A
// minimum of zero may stand for none.
func limitsFault(name, short string, l ca.Limits, noMinimum bool) *ClaimError {
	switch {
	case l.Min < 0 && noMinimum:
		return &ClaimError{Claims: []string{"min" + name}, text: fmt.Sprintf("Min%s cannot be less than 0", name)}
	case l.Min <= 0 && !noMinimum:
		return notPositive("min", "Min", name)
	case l.Max <= 0:
		return notPositive("max", "Max", name)
	case l.Default <= 0:
		return notPositive("default", "Default", name)
	}
	compared := func(less, more string, lesser, greater time.Duration, claims ...string) *ClaimError {
		for i := range claims {
			claims[i] += name
		}
		less, more = less+short, more+short
		return &ClaimError{Claims: claims, text: fmt.Sprintf("%s cannot be less than %s: %s - %v, %s - %v", less, more, less, lesser, more, greater)}
	}
	switch {
	case l.Max < l.Min:
		return compared("Max", "Min", l.Max, l.Min, "max", "min")
	case l.Default < l.Min:
		return compared("Default", "Min", l.Default, l.Min, "default", "min")
	case l.Max < l.Default:
		return compared("Max", "Default", l.Max, l.Default, "max", "default")
	}
	return nil
}

func notPositive(claim, shown, name string) *ClaimError {
	return &ClaimError{Claims: []string{claim + name}, text: fmt.Sprintf("%s%s must be greater than 0", shown, name)}
}
