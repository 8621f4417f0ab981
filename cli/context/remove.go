package context

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/config"
	"stepca/keyfile"
)

func remove(env *cli.Env) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "remove <name>",
		Short: "remove a context and its files",
		Long: `**step context remove** deletes a context with the directories of its authority and
profile, unless another context uses them. The current context cannot be removed.`,
		Example: `Remove a context without a question:
$ step context remove alpha --force`,
		Args: cli.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return removeContext(env, args[0], force) },
	}
	cli.Force(cmd, &force)
	cli.WithoutContext(cmd)
	return cmd
}

func removeContext(env *cli.Env, name string, force bool) error {
	if !env.Contexts.Enabled() {
		return fmt.Errorf("context '%s' not found - step path context management not enabled", name)
	}
	ctx, ok := env.Contexts.Get(name)
	if !ok {
		return fmt.Errorf("context '%s' not found", name)
	}
	if current, ok := env.Contexts.Current(); ok && current == ctx {
		return errors.New("cannot remove current context; use 'step context select' to switch contexts")
	}
	dirs := ownDirectories(env, ctx)
	if !force {
		if err := confirm(env, name, dirs); err != nil {
			return err
		}
	}
	// The context goes last: after a failure the command can be repeated.
	for _, dir := range dirs {
		if err := os.RemoveAll(dir); err != nil {
			return cli.FileError(err)
		}
	}
	if err := removeSSHInclude(env.Path.Base, dirs); err != nil {
		return err
	}
	return env.Contexts.Remove(name)
}

func confirm(env *cli.Env, name string, dirs []string) error {
	env.Noticef("The following directories will be deleted:")
	for _, dir := range dirs {
		env.Noticef("  %s", dir)
	}
	yes, err := env.Prompt.Confirm(cli.Question{
		Label: fmt.Sprintf("Are you sure you want to delete the configuration for context %s (this cannot be undone!)", name),
		Flag:  "force",
	})
	if err != nil {
		return err
	}
	if !yes {
		return errors.New("context not removed")
	}
	return nil
}

// ownDirectories are the directories that no other context uses.
func ownDirectories(env *cli.Env, ctx config.Context) []string {
	path := env.Path
	path.Context = ctx
	authority, profile := path.Dir(), path.ProfileDir()
	for _, other := range env.Contexts.List() {
		if other == ctx {
			continue
		}
		if other.Authority == ctx.Authority {
			authority = ""
		}
		if other.Profile == ctx.Profile {
			profile = ""
		}
	}
	return slices.DeleteFunc([]string{authority, profile}, func(dir string) bool { return dir == "" })
}

// removeSSHInclude takes the lines that name a file below one of the directories
// out of ssh/includes, which step ssh config writes.
func removeSSHInclude(base string, dirs []string) error {
	name := filepath.Join(base, "ssh", "includes")
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return cli.FileError(err)
	}
	var kept bytes.Buffer
	for line := range strings.Lines(string(b)) {
		if !slices.ContainsFunc(dirs, func(dir string) bool { return strings.Contains(line, dir+string(filepath.Separator)) }) {
			kept.WriteString(line)
		}
	}
	if kept.Len() == len(b) {
		return nil
	}
	return cli.FileError(keyfile.WriteFile(name, kept.Bytes(), 0o600))
}
