package cli

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"stepca/config"
)

// runPlugin runs the program step-NAME-plugin for a word that is no command,
// with the remaining words as its arguments. found is false if there is none.
func (env *Env) runPlugin(ctx context.Context, name string, args []string) (found bool, err error) {
	if name != filepath.Base(name) {
		return false, nil
	}
	program, err := env.findPlugin(name)
	if err != nil {
		if name == "kms" {
			return true, errNoKMSPlugin
		}
		return false, nil
	}
	cmd := exec.CommandContext(ctx, program, args...)
	if strings.EqualFold(filepath.Ext(program), ".ps1") {
		cmd = exec.CommandContext(ctx, "powershell", append([]string{"-File", program}, args...)...)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = env.Stdin, env.Stdout, env.Stderr
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return true, &ExitError{Code: exit.ExitCode()} // the plugin has shown its error
	}
	return true, err
}

// findPlugin looks for the plugin below the base directory, then in PATH.
func (env *Env) findPlugin(name string) (string, error) {
	name = "step-" + name + "-plugin"
	path, err := config.NewStepPath(env.Getenv)
	if err != nil {
		return "", err
	}
	candidates := []string{filepath.Join(path.Plugins(), name), name}
	if runtime.GOOS == "windows" {
		script := name + ".ps1"
		candidates = append(candidates, filepath.Join(path.Plugins(), script), script)
	}
	for _, candidate := range candidates {
		if program, err := exec.LookPath(candidate); err == nil {
			return filepath.Abs(program)
		}
	}
	return "", os.ErrNotExist
}

// errNoKMSPlugin begins with a capital because that is the text users know.
//
//lint:ignore ST1005 see above
var errNoKMSPlugin = errors.New("The plugin \"kms\" was not found on this system.\n" +
	"Download it from https://github.com/smallstep/step-kms-plugin")
