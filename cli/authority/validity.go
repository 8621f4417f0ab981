package authority

import (
	"time"

	"stepca/ca"
	"stepca/cli"
)

// Validity returns the ends of a validity as a request gives them: durations are
// for the CA to resolve.
func Validity(f *cli.ValidityFlags) (notBefore, notAfter ca.TimeOrDuration, err error) {
	if notBefore, err = ParseTime("not-before", f.NotBefore); err != nil {
		return
	}
	notAfter, err = ParseTime("not-after", f.NotAfter)
	return
}

// ParseTime parses the value of a flag that is a time or a duration.
func ParseTime(flag, value string) (ca.TimeOrDuration, error) {
	t, err := ca.ParseTimeOrDuration(value)
	if err != nil {
		return t, cli.InvalidValue(flag, value)
	}
	return t, nil
}

// ParseDuration parses the value of a flag that is a positive duration; "" is 0.
func ParseDuration(flag, value string) (time.Duration, error) {
	if value == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		return 0, cli.InvalidValueReason(flag, value, "it must be a duration such as 1h30m")
	}
	return d, nil
}
