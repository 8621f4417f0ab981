package ca

import (
	"cmp"
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/config"
	"stepca/keyfile"
)

// contextFlags name the context that a command creates.
type contextFlags struct {
	profile, authority string
}

// define defines --profile and --authority; --context is there already.
func (f *contextFlags) define(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.profile, "profile", "", "the `name` of the profile directory of the new context")
	cmd.Flags().StringVar(&f.authority, "authority", "", "the `name` of the authority directory of the new context")
}

// choose returns the context to create; the zero Context if contexts are not
// used. Without a name it is called after the authority.
func (f *contextFlags) choose(cmd *cobra.Command, env *cli.Env, host string) config.Context {
	name := cmd.Flag("context").Value.String()
	if !env.Contexts.Enabled() && name == "" && f.profile == "" && f.authority == "" {
		warnConfigured(env)
		return config.Context{}
	}
	name = cmp.Or(name, f.authority, host)
	return config.Context{Name: name, Profile: cmp.Or(f.profile, name), Authority: cmp.Or(f.authority, name)}
}

// warnConfigured tells who is about to replace an authority how to keep it.
func warnConfigured(env *cli.Env) {
	if _, err := os.Stat(env.Path.CAConfig()); err != nil {
		return
	}
	env.Noticef("⚠️  It looks like step is already configured to connect to an authority.")
	env.Noticef("You can use several authorities beside each other, each under the name of a context.")
	env.Noticef("To keep this one, run the command again with the '--context' flag; see 'step help context'.")
}

// save makes the context of path, if it has one, exist and be the current one.
func (f *contextFlags) save(env *cli.Env, path config.StepPath) error {
	if path.Context.Name == "" {
		return nil
	}
	switch err := keyfile.CreateFile(path.ProfileDefaults(), []byte("{}"), keyfile.SecretPerm); {
	case err == nil:
		env.Noticef("The profile configuration has been saved in %s.", path.ProfileDefaults())
	case !errors.Is(err, fs.ErrExist):
		return cli.FileError(err)
	}
	if err := env.Contexts.Add(path.Context); err != nil {
		return err
	}
	return env.Contexts.Select(path.Context.Name)
}
