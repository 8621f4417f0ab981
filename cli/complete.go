package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// completionFlag as the last word asks for the words that could follow.
// Completion scripts of the reference, which users have installed, send it too.
const completionFlag = "--generate-bash-completion"

func completionRequest(args []string) (words []string, ok bool) {
	if len(args) == 0 || args[len(args)-1] != completionFlag {
		return nil, false
	}
	return args[:len(args)-1], true
}

// complete writes the words that could follow, one a line: the flags if the last
// word begins one, else the subcommands. In zsh each has its description.
func (env *Env) complete(root *cobra.Command, words []string) {
	cmd, begun := root, ""
	for _, word := range words {
		begun = word
		if sub := subcommand(cmd, word); sub != nil {
			cmd, begun = sub, ""
		}
	}
	described := env.Getenv("_CLI_ZSH_AUTOCOMPLETE_HACK") == "1"
	write := func(name, text string) {
		if described {
			name = strings.ReplaceAll(name, ":", `\:`) + ":" + strings.ReplaceAll(text, "\n", " ")
		}
		fmt.Fprintln(env.Stdout, name)
	}
	if !strings.HasPrefix(begun, "-") {
		for _, sub := range visibleCommands(cmd) {
			write(sub.Name(), sub.Short)
		}
		return
	}
	visitFlags(cmd, func(f *pflag.Flag) {
		_, text := pflag.UnquoteUsage(f)
		for _, name := range flagNames(f) {
			if strings.HasPrefix(dashed(name), begun) {
				write(dashed(name), text)
			}
		}
	})
}
