package cli

import (
	"strconv"
	"strings"
	"time"
)

// A RenewalThreshold says when a certificate is due for renewal.
type RenewalThreshold struct {
	percent   int           // of the lifetime that is over
	remaining time.Duration // what is left of it; counts if byTime is set
	byTime    bool
}

// DefaultRenewalThreshold is two thirds of the lifetime.
func DefaultRenewalThreshold() RenewalThreshold { return RenewalThreshold{percent: 66} }

// ParseRenewalThreshold parses the value of a flag: "75%" of the lifetime is
// over, or a duration is left. The empty value is the default threshold.
func ParseRenewalThreshold(flag, value string) (RenewalThreshold, error) {
	if value == "" {
		return DefaultRenewalThreshold(), nil
	}
	if text, ok := strings.CutSuffix(value, "%"); ok {
		percent, err := strconv.Atoi(text)
		switch {
		case err != nil:
			return RenewalThreshold{}, InvalidValue(flag, value)
		case percent < 0 || percent > 100:
			return RenewalThreshold{}, InvalidValueReason(flag, value, "value must be in range 0-100%")
		}
		return RenewalThreshold{percent: percent}, nil
	}
	d, err := time.ParseDuration(value)
	if err != nil {
		return RenewalThreshold{}, InvalidValue(flag, value)
	}
	return RenewalThreshold{remaining: d, byTime: true}, nil
}

// Due reports whether a certificate with that validity is due at now.
func (t RenewalThreshold) Due(notBefore, notAfter, now time.Time) bool {
	remaining, total := notAfter.Sub(now), notAfter.Sub(notBefore)
	switch {
	case t.byTime:
		return t.remaining >= remaining
	case total <= 0:
		return true
	}
	return int((1-remaining.Seconds()/total.Seconds())*100) >= t.percent
}
