package authority

import (
	"time"

	"github.com/spf13/cobra"

	"stepca/ca"
	"stepca/cli"
)

// Validity holds the flags with the period in which something is to be valid.
type Validity struct {
	NotBefore, NotAfter string
}

// Define defines --not-before and --not-after; what is the thing that is valid.
func (v *Validity) Define(cmd *cobra.Command, what string) {
	cmd.Flags().StringVar(&v.NotBefore, "not-before", "", "when the "+what+" begins to be valid, a `time or duration`")
	cmd.Flags().StringVar(&v.NotAfter, "not-after", "", "when the "+what+" expires, a `time or duration`")
}

// Parse returns both ends as a request gives them; durations are for the CA to
// resolve.
func (v *Validity) Parse() (notBefore, notAfter ca.TimeOrDuration, err error) {
	if notBefore, err = ParseTime("not-before", v.NotBefore); err != nil {
		return
	}
	notAfter, err = ParseTime("not-after", v.NotAfter)
	return
}

// Times returns both ends, durations counted from now; unset is the zero time.
func (v *Validity) Times(now time.Time) (notBefore, notAfter time.Time, err error) {
	nb, na, err := v.Parse()
	return nb.At(now), na.At(now), err
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
