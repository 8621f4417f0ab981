package cli

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// NewRoot is the step command with the given commands and those every step has:
// completion, help, path and version.
func NewRoot(env *Env, commands ...Command) *cobra.Command {
	var version bool
	root := &cobra.Command{
		Use:   "step",
		Short: "plumbing for distributed systems: certificates, keys and tokens",
		Long: `**step** works with X.509 and SSH certificates, keys and tokens on this machine,
and is the client of the step-ca certificate authority.

Every flag can also be set by an environment variable, STEP_ and the name of the
flag in capital letters (STEP_CA_URL for --ca-url), and by a member of that name
in defaults.json, which **step ca init** and **step ca bootstrap** write. The
command line is stronger than the environment, and both are stronger than the file.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if version {
				return env.writeVersion()
			}
			return env.writeHelp(cmd)
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return env.prepare(cmd) },
	}
	Standalone(root)
	root.CompletionOptions.DisableDefaultCmd = true
	root.PersistentFlags().String("config", "", "path of the `file` with default values of flags, instead of defaults.json")
	root.Flags().BoolVarP(&version, "version", "v", false, "print the version")
	for _, command := range append([]Command{completionCommand, helpCommand, pathCommand, versionCommand}, commands...) {
		root.AddCommand(command(env))
	}
	root.SetHelpCommand(subcommand(root, "help"))
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { env.writeHelp(cmd) })
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return flagError(err) })
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	return root
}

// Group is a command that only holds others.
func Group(use, short, long string, commands ...*cobra.Command) *cobra.Command {
	group := &cobra.Command{Use: use, Short: short, Long: long}
	group.AddCommand(commands...)
	return group
}

// Annotations of commands that the frame treats differently.
const (
	standaloneKey = "standalone"
	noContextFlag = "no-context"
)

// Standalone marks a command that works without the user's files, even broken
// ones: no environment variables, contexts or defaults are read for it.
func Standalone(cmd *cobra.Command) { annotate(cmd, standaloneKey, "true") }

// WithoutContext gives the command the hidden flag --no-context with the default
// true: contexts and defaults.json give its flags no values, and env.Path is
// the base directory. Environment variables still count.
func WithoutContext(cmd *cobra.Command) {
	cmd.Flags().Bool(noContextFlag, true, "do not apply a context or defaults.json")
	if err := cmd.Flags().MarkHidden(noContextFlag); err != nil {
		panic(err) // the flag was defined in the line above
	}
}

func ignoresContext(cmd *cobra.Command) bool {
	ignore, err := cmd.Flags().GetBool(noContextFlag)
	return err == nil && ignore
}

// flagError shows pflag's error for a bad value in our words.
func flagError(err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return InvalidValue(invalid.GetFlag().Name, invalid.GetValue())
	}
	return err
}
