package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"stepca/config"
)

// prepare gives env and the flags of the command their values before it runs:
// the environment, the context, the defaults. What is stronger was set before.
func (env *Env) prepare(cmd *cobra.Command) error {
	if cmd.Annotations[standaloneKey] != "" {
		return nil
	}
	if err := env.applyEnvironment(cmd.Flags()); err != nil {
		return err
	}
	path, err := config.NewStepPath(env.Getenv)
	if err != nil {
		return err
	}
	contexts, err := config.LoadContexts(path.Base)
	if err != nil {
		return contextError(err)
	}
	env.Path, env.Contexts = path, contexts
	if ignoresContext(cmd) {
		return nil
	}
	if err := env.chooseContext(cmd); err != nil {
		return err
	}
	return env.ApplyDefaults(cmd)
}

// applyEnvironment sets the flags that were not on the command line from their
// variables. An empty variable counts as not set.
func (env *Env) applyEnvironment(flags *pflag.FlagSet) error {
	return visitUnset(flags, func(f *pflag.Flag) error {
		value := env.Getenv(envName(f))
		if value == "" || isOnlyCommandLine(f) {
			return nil
		}
		values := []string{value}
		if _, isList := f.Value.(pflag.SliceValue); isList {
			values = strings.Split(value, ",")
		}
		return setFlag(flags, f, values)
	})
}

// chooseContext makes the context of --context, else the current one, that of
// env.Path. When there are contexts and none is current the user chooses, and
// the choice is saved.
func (env *Env) chooseContext(cmd *cobra.Command) error {
	if f := cmd.Flags().Lookup("context"); f != nil && f.Value.String() != "" {
		ctx, err := env.Contexts.Load(f.Value.String())
		env.Path.Context = ctx
		return err
	}
	if !env.Contexts.Enabled() {
		return nil
	}
	if ctx, ok := env.Contexts.Current(); ok {
		env.Path.Context = ctx
		return nil
	}
	list := env.Contexts.List()
	chosen := 0
	if len(list) > 1 {
		names := make([]string, len(list))
		for i, ctx := range list {
			names[i] = ctx.Name
		}
		var err error
		if chosen, err = env.Prompt.Select(Question{Label: "Select a context for 'step':"}, names); err != nil {
			return fmt.Errorf("%w; use 'step context select' to choose a context", err)
		}
	}
	env.Selected("Context", list[chosen].Name)
	env.Path.Context = list[chosen]
	return env.Contexts.Select(list[chosen].Name)
}

// ApplyDefaults sets the flags that have no value yet from the defaults.json
// files of env.Path. The frame calls it for all commands but those that are
// WithoutContext; these may call it once they know their context.
func (env *Env) ApplyDefaults(cmd *cobra.Command) error {
	defaults, err := env.defaults(cmd)
	if err != nil {
		return contextError(err)
	}
	flags := cmd.Flags()
	return visitUnset(flags, func(f *pflag.Flag) error {
		if isOnlyCommandLine(f) {
			return nil
		}
		values, ok, err := defaults.Lookup(flagNames(f)...)
		if err != nil {
			return contextError(err)
		}
		if !ok {
			return nil
		}
		if _, isList := f.Value.(pflag.SliceValue); !isList && len(values) != 1 {
			return contextError(fmt.Errorf("value of '%s': must be one value, not a list of %d", f.Name, len(values)))
		}
		return setFlag(flags, f, values)
	})
}

func (env *Env) defaults(cmd *cobra.Command) (config.Defaults, error) {
	if env.Path.Context.Name == "" {
		name, err := cmd.Flags().GetString("config")
		if err == nil && name != "" {
			return config.ReadDefaults(name)
		}
		return config.LoadDefaults(env.Path.Defaults())
	}
	authority, err := config.LoadDefaults(env.Path.Defaults())
	if err != nil {
		return nil, err
	}
	profile, err := config.LoadDefaults(env.Path.ProfileDefaults())
	if err != nil {
		return nil, err
	}
	// A file that belongs to one context cannot choose another.
	defaults, ignored := authority.Overlay(profile).Without("context", "profile", "authority")
	for _, name := range ignored {
		env.Noticef("cannot set '%s' attribute in config files", name)
	}
	return defaults, nil
}

func contextError(err error) error {
	if _, ok := errors.AsType[*config.UnknownContextError](err); ok {
		return err // says it all
	}
	return fmt.Errorf("failed loading context configuration: %w", err)
}

// visitUnset calls do for each flag without a value until one fails.
func visitUnset(flags *pflag.FlagSet, do func(*pflag.Flag) error) error {
	var err error
	flags.VisitAll(func(f *pflag.Flag) {
		if err == nil && !f.Changed {
			err = do(f)
		}
	})
	return err
}

// setFlag sets the flag, which makes Changed true, as the command line would, but
// not Given.
func setFlag(flags *pflag.FlagSet, f *pflag.Flag, values []string) error {
	for _, value := range values {
		if err := f.Value.Set(value); err != nil {
			return fmt.Errorf("could not parse %s as %s value for flag %s: %w",
				value, f.Value.Type(), strings.Join(flagNames(f), ","), err)
		}
		f.Changed = true
	}
	annotateFlag(f, settingKey, "true")
	return nil
}
