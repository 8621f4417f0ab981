package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Annotations of flags. The first name of a flag gives its environment
// variable; a one-letter first name is possible in the reference, hence firstKey.
const (
	aliasKey       = "alias"
	firstKey       = "first"
	commandLineKey = "command-line-only"
	settingKey     = "from-settings"
)

// Alias gives the flag further names, which share its value. They work on the
// command line and in defaults.json, but have no environment variable.
func Alias(cmd *cobra.Command, name string, aliases ...string) {
	f := mustFlag(cmd, name)
	annotateFlag(f, aliasKey, append(f.Annotations[aliasKey], aliases...)...)
}

// ShortFirst makes the one-letter name of the flag its first, so that its
// environment variable is STEP_F and not STEP_FORCE.
func ShortFirst(cmd *cobra.Command, name string) {
	annotateFlag(mustFlag(cmd, name), firstKey, "short")
}

// OnlyCommandLine makes the flag take no value from the environment and from
// defaults.json.
func OnlyCommandLine(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		annotateFlag(mustFlag(cmd, name), commandLineKey, "true")
	}
}

// Given reports whether the flag was on the command line itself. A value from the
// environment or from defaults.json is meant for any command that has a use for it;
// one on the command line that has no effect is a mistake.
func Given(cmd *cobra.Command, name string) bool {
	f := cmd.Flags().Lookup(name)
	return f != nil && f.Changed && f.Annotations[settingKey] == nil
}

// Hide leaves the flags out of help and completion.
func Hide(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		mustFlag(cmd, name).Hidden = true
	}
}

// Force defines -f and --force: overwrite files without asking.
func Force(cmd *cobra.Command, value *bool) {
	cmd.Flags().BoolVarP(value, "force", "f", false, "overwrite existing files without asking")
	ShortFirst(cmd, "force")
}

// Insecure defines --insecure; it is hidden unless the command shows it itself.
func Insecure(cmd *cobra.Command, value *bool) {
	cmd.Flags().BoolVar(value, "insecure", false, "allow what is not safe")
	Hide(cmd, "insecure")
}

// Subtle defines the hidden --subtle: allow what is easily misused.
func Subtle(cmd *cobra.Command, value *bool) {
	cmd.Flags().BoolVar(value, "subtle", false, "allow what is easily misused")
	Hide(cmd, "subtle")
}

// Unused defines hidden flags that the command takes and has no use for, because
// the reference does so and scripts set them. A name that ends with "=" is that of
// a flag with a value, which may be repeated.
func Unused(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		name, hasValue := strings.CutSuffix(name, "=")
		if hasValue {
			cmd.Flags().StringArray(name, nil, "has no effect on this command")
		} else {
			cmd.Flags().Bool(name, false, "has no effect on this command")
		}
		Hide(cmd, name)
	}
}

// ContextFlag defines --context: use that context for this invocation. The
// frame acts on it.
func ContextFlag(cmd *cobra.Command) {
	cmd.Flags().String("context", "", "the `name` of the context to use, instead of the current one")
}

// flagNames are the names of the flag, the first one first.
func flagNames(f *pflag.Flag) []string {
	names := []string{f.Name}
	if f.Shorthand != "" {
		names = append(names, f.Shorthand)
		if f.Annotations[firstKey] != nil {
			slices.Reverse(names)
		}
	}
	return append(names, f.Annotations[aliasKey]...)
}

// envName is the environment variable of the flag.
func envName(f *pflag.Flag) string {
	return "STEP_" + strings.ReplaceAll(strings.ToUpper(flagNames(f)[0]), "-", "_")
}

func isOnlyCommandLine(f *pflag.Flag) bool { return f.Annotations[commandLineKey] != nil }

func annotateFlag(f *pflag.Flag, key string, values ...string) {
	if f.Annotations == nil {
		f.Annotations = make(map[string][]string)
	}
	f.Annotations[key] = values
}

func mustFlag(cmd *cobra.Command, name string) *pflag.Flag {
	f := cmd.Flag(name)
	if f == nil {
		panic("command " + cmd.Name() + " has no flag --" + name)
	}
	return f
}
