package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"
)

// The errors of this file have the texts that scripts know. Flags are named
// without dashes.

// RequiredFlag says that the command cannot do without the flag.
func RequiredFlag(cmd *cobra.Command, flag string) error {
	return fmt.Errorf("'%s' requires the '--%s' flag", cmd.CommandPath(), flag)
}

// RequiredWithFlag says that a flag needs another.
func RequiredWithFlag(flag, required string) error {
	return fmt.Errorf("flag '--%s' requires the '--%s' flag", flag, required)
}

// RequiredWithFlagValue says that a value of a flag needs another flag.
func RequiredWithFlagValue(flag, value, required string) error {
	return fmt.Errorf("'--%s %s' requires the '--%s' flag", flag, value, required)
}

// RequiredWithProvisionerType says that a type of provisioner needs a flag.
func RequiredWithProvisionerType(typ, flag string) error {
	return fmt.Errorf("provisioner type '%s' requires the '--%s' flag", typ, flag)
}

// RequiredUnlessFlag says that a flag is needed without another.
func RequiredUnlessFlag(flag, unless string) error {
	return fmt.Errorf("flag '--%s' is required unless the '--%s' flag is provided", flag, unless)
}

// IncompatibleFlags says that two flags exclude each other.
func IncompatibleFlags(flag, with string) error {
	return fmt.Errorf("flag '--%s' is incompatible with '--%s'", flag, with)
}

// IncompatibleFlagWith says that a flag excludes something that is not a flag.
func IncompatibleFlagWith(flag, text string) error {
	return fmt.Errorf("flag '--%s' is incompatible with '%s'", flag, text)
}

// IncompatibleFlagValue says that a flag excludes a value of another.
func IncompatibleFlagValue(flag, with, value string) error {
	return fmt.Errorf("flag '--%s' is incompatible with flag '--%s %s'", flag, with, value)
}

// IncompatibleFlagValues says that the values of two flags exclude each other.
func IncompatibleFlagValues(flag, value, with, withValue string) error {
	return fmt.Errorf("flag '--%s %s' is incompatible with flag '--%s %s'", flag, value, with, withValue)
}

// MutuallyExclusive says that only one of two flags can be used.
func MutuallyExclusive(a, b string) error {
	return fmt.Errorf("flag '--%s' and flag '--%s' are mutually exclusive", a, b)
}

// InvalidValue says that a flag cannot have the value, and which it can have.
func InvalidValue(flag, value string, options ...string) error {
	if len(options) == 0 {
		return invalidValue(flag, value, "")
	}
	return invalidValue(flag, value, "; options are "+strings.Join(options, ", "))
}

// InvalidValueReason says that a flag cannot have the value, and why.
func InvalidValueReason(flag, value, reason string) error {
	return invalidValue(flag, value, "; "+reason)
}

func invalidValue(flag, value, suffix string) error {
	if value == "" {
		return fmt.Errorf("missing value for flag '--%s'%s", flag, suffix)
	}
	return fmt.Errorf("invalid value '%s' for flag '--%s'%s", value, flag, suffix)
}

// RequiresInsecure says that the command must be allowed with --insecure.
func RequiresInsecure(cmd *cobra.Command) error { return RequiredFlag(cmd, "insecure") }

// FlagRequiresInsecure says that a flag must be allowed with --insecure.
func FlagRequiresInsecure(flag string) error { return RequiredWithFlag(flag, "insecure") }

// FileError shows a failed file operation as "open FILE failed: REASON". Other
// errors come back as they are.
func FileError(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s %s failed: %w", path.Op, path.Path, path.Err)
	}
	return err
}
