package ca

import (
	"encoding/json"
	"fmt"
	"time"
)

// A Validity is the period in which a certificate is good, both ends included
// (RFC 5280 §4.1.2.5), in UTC and whole seconds.
type Validity struct {
	NotBefore, NotAfter time.Time
}

// Duration returns NotAfter − NotBefore.
func (v Validity) Duration() time.Duration { return v.NotAfter.Sub(v.NotBefore) }

// Limits bound the validity that a grant allows. NotAfter − NotBefore must be at
// least Min and at most Max plus the CA's backdate.
type Limits struct {
	Min     time.Duration `json:"min"`
	Default time.Duration `json:"default"` // when nothing is asked for
	Max     time.Duration `json:"max"`

	// Window, when its ends are set, is the validity of the credential that
	// vouches (an X5C certificate, say): the certificate may not leave it.
	Window Validity `json:"window,omitzero"`
}

// A TimeOrDuration is a point in time as requests give it: an RFC 3339 time, or
// a Go duration relative to a moment that the field's meaning fixes. The zero
// value is unset; a zero duration is unset too.
type TimeOrDuration struct {
	Time     time.Time
	Duration time.Duration
}

// ParseTimeOrDuration parses an RFC 3339 time or a Go duration ("1h30m", no
// days). An empty string is unset.
func ParseTimeOrDuration(s string) (TimeOrDuration, error) {
	if s == "" {
		return TimeOrDuration{}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return TimeOrDuration{Time: t.UTC()}, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return TimeOrDuration{}, fmt.Errorf("%q is neither an RFC 3339 time nor a duration such as 1h30m", s)
	}
	return TimeOrDuration{Duration: d}, nil
}

// IsZero reports whether t is unset.
func (t TimeOrDuration) IsZero() bool { return t.Time.IsZero() && t.Duration == 0 }

// At returns the point in time, counting a duration from base. An unset value
// gives the zero time.
func (t TimeOrDuration) At(base time.Time) time.Time {
	switch {
	case !t.Time.IsZero():
		return t.Time
	case t.Duration != 0:
		return base.Add(t.Duration)
	}
	return time.Time{}
}

// String returns the form that ParseTimeOrDuration reads.
func (t TimeOrDuration) String() string {
	switch {
	case !t.Time.IsZero():
		return t.Time.Format(time.RFC3339Nano)
	case t.Duration != 0:
		return t.Duration.String()
	}
	return ""
}

// MarshalJSON implements json.Marshaler.
func (t TimeOrDuration) MarshalJSON() ([]byte, error) { return json.Marshal(t.String()) }

// UnmarshalJSON implements json.Unmarshaler; null is unset.
func (t *TimeOrDuration) UnmarshalJSON(data []byte) error {
	if string(data) == `""` { // what most requests say
		*t = TimeOrDuration{}
		return nil
	}
	var s *string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	if s == nil {
		*t = TimeOrDuration{}
		return nil
	}
	parsed, err := ParseTimeOrDuration(*s)
	if err != nil {
		return err
	}
	*t = parsed
	return nil
}

// A Duration is a time.Duration that JSON holds as a Go duration string, such as
// "24h" or "1h30m". It is written in the canonical form ("24h0m0s").
type Duration time.Duration

// String returns the canonical form of time.Duration.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalJSON implements json.Marshaler.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON implements json.Unmarshaler. The error texts are those that users
// of the reference know.
func (d *Duration) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("error unmarshaling %s: %w", data, err)
	}
	parsed, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("error parsing %s as duration: %w", s, err)
	}
	*d = Duration(parsed)
	return nil
}
