package cli

import (
	"crypto/x509"
	"time"

	"github.com/spf13/cobra"
)

// Time parses the value of a flag that is an RFC 3339 time or a duration from
// now, which may be negative. The empty value is the zero time.
func (env *Env) Time(flag, value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, value); err == nil {
		return t, nil
	}
	d, err := time.ParseDuration(value)
	if err != nil {
		return time.Time{}, InvalidValue(flag, value)
	}
	return env.Now().Add(d), nil
}

// ValidityFlags are --not-before and --not-after.
type ValidityFlags struct {
	NotBefore, NotAfter string // as written; empty if not set
}

// Define adds the flags to the command.
func (f *ValidityFlags) Define(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.NotBefore, "not-before", "", "when the validity starts, as a `time|duration`: an RFC 3339 time, or a duration from now")
	cmd.Flags().StringVar(&f.NotAfter, "not-after", "", "when the validity ends, as a `time|duration`: an RFC 3339 time, or a duration from now")
}

// times are the values at env.Now; zero for a flag that is not set.
func (f *ValidityFlags) times(env *Env) (notBefore, notAfter time.Time, err error) {
	if notBefore, err = env.Time("not-before", f.NotBefore); err != nil {
		return time.Time{}, time.Time{}, err
	}
	if notAfter, err = env.Time("not-after", f.NotAfter); err != nil {
		return time.Time{}, time.Time{}, err
	}
	if !notBefore.IsZero() && !notAfter.IsZero() && notBefore.After(notAfter) {
		return time.Time{}, time.Time{}, IncompatibleFlagValues("not-before", f.NotBefore, "not-after", f.NotAfter)
	}
	return notBefore, notAfter, nil
}

// Apply sets the validity of crt to the values at env.Now; what no flag is set
// for stays.
func (f *ValidityFlags) Apply(env *Env, crt *x509.Certificate) error {
	notBefore, notAfter, err := f.times(env)
	if err != nil {
		return err
	}
	if !notBefore.IsZero() {
		crt.NotBefore = notBefore
	}
	if !notAfter.IsZero() {
		crt.NotAfter = notAfter
	}
	return nil
}
