package command

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"stepca/config"
	"stepca/keyfile"
	"stepca/server"
)

func checkCommand(env *Env) *cobra.Command {
	var contextName, passwordFile string
	cmd := &cobra.Command{
		Use:   "check [<config>]",
		Short: "report all that is wrong with a configuration",
		Long: `Reads a configuration file as the server would, and reports all faults at once:
values that cannot be, files that are missing or do not belong together, keys
that are not known (with the nearest one that is), and settings that have no
effect. Nothing is opened for writing and nothing is served.

The exit code is 0 if the server would start and do all that the file says, with
or without warnings, and 1 if it would not.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			path, err := env.stepPath(contextName)
			if err != nil {
				return err
			}
			file := path.CAConfig()
			if len(args) > 0 {
				file = args[0]
			}
			pw, err := password(passwordFile)
			if err != nil {
				return err
			}
			opts := config.FileOptions{StepPath: path.Dir()}
			if !pw.IsZero() {
				opts.Password = keyfile.FixedPassword(pw.Reveal())
			}
			return check(env, file, opts)
		},
	}
	cmd.Flags().StringVar(&contextName, "context", env.Getenv("STEP_CA_CONTEXT"), "the `name` of the context whose configuration is meant")
	cmd.Flags().StringVar(&passwordFile, "password-file", "", "a `file` with the password of the keys, to compare them with their certificates")
	return cmd
}

func check(env *Env, file string, opts config.FileOptions) error {
	if err := readable(file); err != nil {
		return err
	}
	cfg, err := config.Load(file)
	if err != nil {
		return err
	}
	locked := false
	if opts.Password.Ask == nil && cfg.Password.IsZero() {
		opts.Password.Ask = func(string) ([]byte, error) {
			locked = true
			return nil, keyfile.ErrPasswordNeeded
		}
	}
	faults := append(server.Check(cfg, env.KMS, env.Engines), cfg.CheckFiles(opts)...)
	for _, f := range faults {
		fmt.Fprintf(env.Stdout, "%s: %s: %s\n", file, f.Severity, f)
	}
	errs, warnings := len(faults.Errors()), count(len(faults.Warnings()), "warning")
	if errs > 0 {
		return errors.New(count(errs, "error") + ", " + warnings + ": the server would not start, or not do all that the file says")
	}
	if locked {
		warnings += "; keys were not opened: --password-file lets them be compared with their certificates"
	}
	_, err = fmt.Fprintf(env.Stdout, "%s: ok, %s\n", file, warnings)
	return err
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
