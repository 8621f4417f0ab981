package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// NoArgs is the cobra.PositionalArgs of commands without positional arguments.
func NoArgs(cmd *cobra.Command, args []string) error { return checkArgs(cmd, args, 0, 0) }

// ExactArgs wants n positional arguments.
func ExactArgs(n int) cobra.PositionalArgs { return RangeArgs(n, n) }

// MaxArgs wants at most n positional arguments.
func MaxArgs(n int) cobra.PositionalArgs { return RangeArgs(0, n) }

// RangeArgs wants at least min and at most max positional arguments; a negative
// max is no limit.
func RangeArgs(min, max int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error { return checkArgs(cmd, args, min, max) }
}

func checkArgs(cmd *cobra.Command, args []string, min, max int) error {
	switch {
	case len(args) < min:
		return TooFewArgs(cmd)
	case max >= 0 && len(args) > max:
		return TooManyArgs(cmd)
	}
	return nil
}

// Usage is the line that errors quote: the command with its arguments.
func Usage(cmd *cobra.Command) string {
	if cmd.HasParent() {
		return cmd.Parent().CommandPath() + " " + cmd.Use
	}
	return cmd.Use
}

// TooFewArgs says that positional arguments are missing.
func TooFewArgs(cmd *cobra.Command) error {
	return fmt.Errorf("not enough positional arguments were provided in '%s'", Usage(cmd))
}

// TooManyArgs says that there are more positional arguments than can be used.
func TooManyArgs(cmd *cobra.Command) error {
	return fmt.Errorf("too many positional arguments were provided in '%s'", Usage(cmd))
}

// MissingArgs names the positional arguments that are missing, without brackets.
func MissingArgs(cmd *cobra.Command, names ...string) error {
	noun := "argument"
	if len(names) > 1 {
		noun = "arguments"
	}
	return fmt.Errorf("missing positional %s <%s> in '%s'", noun, strings.Join(names, "> <"), Usage(cmd))
}

// EqualArgs says that two positional arguments, named without brackets, must
// not be the same.
func EqualArgs(cmd *cobra.Command, a, b string) error {
	return fmt.Errorf("positional arguments <%s> and <%s> cannot be equal in '%s'", a, b, Usage(cmd))
}
