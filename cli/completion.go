package cli

import (
	_ "embed"
	"fmt"

	"github.com/spf13/cobra"
)

// The scripts call step with the words typed so far and completionFlag.
var (
	//go:embed completion.bash
	bashCompletion string
	//go:embed completion.zsh
	zshCompletion string
	//go:embed completion.fish
	fishCompletion string
)

func completionCommand(env *Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "completion <shell>",
		Short: "print the completion script of a shell",
		Long: `**step completion** prints a script that makes a shell complete the commands and
flags of step.

## POSITIONAL ARGUMENTS
<shell>
    The shell: bash, zsh or fish.`,
		Example: `Add completion to bash:
$ step completion bash >> ~/.bash_completion

Add completion to zsh:
$ step completion zsh > "${fpath[1]}/_step"

Add completion to fish:
$ step completion fish > ~/.config/fish/completions/step.fish`,
		Args: ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			script, err := completionScript(args[0])
			if err == nil {
				_, err = fmt.Fprint(env.Stdout, script)
			}
			return err
		},
	}
	Standalone(cmd)
	return cmd
}

func completionScript(shell string) (string, error) {
	switch shell {
	case "bash":
		return bashCompletion, nil
	case "zsh":
		return zshCompletion, nil
	case "fish":
		return fishCompletion, nil
	}
	return "", fmt.Errorf("unsupported shell %s", shell)
}
