package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A commandLine is what the words of a command line mean.
type commandLine struct {
	cmd   *cobra.Command
	flags []string // --name=value, with the flag's first name
	args  []string // positional
	help  bool     // --help or -h was among the flags
}

// canonical is the command line in a form that pflag reads in one way only.
func (l *commandLine) canonical() []string {
	words := strings.Fields(l.cmd.CommandPath())[1:]
	words = append(words, l.flags...)
	words = append(words, "--")
	return append(words, l.args...)
}

// A usageError is a command line that its command cannot have. The command's
// help is shown with it.
type usageError struct {
	cmd *cobra.Command
	msg string
}

func (e *usageError) Error() string { return e.msg }

// An unknownCommandError is a word where a subcommand should be.
type unknownCommandError struct {
	parent *cobra.Command
	word   string
	rest   []string // the words after it
}

func (e *unknownCommandError) Error() string { return fmt.Sprintf("No help topic for '%s'", e.word) }

// parseLine finds the command, its flags and its positional arguments. Flags
// may stand anywhere, with one dash or two, under any of their names, with
// "=value" or the value as the next word; a Boolean flag takes a value only
// with "=". "--" ends the flags. (pflag itself reads -name as five short flags.)
func parseLine(root *cobra.Command, args []string) (*commandLine, error) {
	line := &commandLine{cmd: root}
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		switch {
		case word == "--":
			line.args = append(line.args, args...)
			return line, nil
		case strings.HasPrefix(word, "-") && word != "-":
			rest, err := line.flag(word, args)
			if err != nil {
				return nil, withExitCode(line.cmd, err)
			}
			args = rest
		case line.cmd.HasSubCommands():
			sub := subcommand(line.cmd, word)
			if sub == nil {
				return nil, adviseCommand(line.cmd, word, &unknownCommandError{parent: line.cmd, word: word, rest: args})
			}
			line.cmd = sub
		default:
			line.args = append(line.args, word)
		}
	}
	return line, nil
}

// flag reads the flag in word, and its value if that is the next word, and
// returns the words left.
func (l *commandLine) flag(word string, next []string) ([]string, error) {
	name, value, hasValue := strings.Cut(strings.TrimLeft(word, "-"), "=")
	if name == "help" || name == "h" && lookupFlag(l.cmd, "h") == nil {
		l.help = true
		return next, nil
	}
	f := lookupFlag(l.cmd, name)
	switch {
	case f == nil:
		return nil, adviseFlag(l.cmd, name, &usageError{l.cmd, "flag provided but not defined: -" + name})
	case hasValue:
	case f.NoOptDefVal != "":
		value = f.NoOptDefVal
	case len(next) == 0:
		return nil, &usageError{l.cmd, "flag needs an argument: -" + name}
	default:
		value, next = next[0], next[1:]
	}
	l.flags = append(l.flags, "--"+f.Name+"="+value)
	return next, nil
}

// lookupFlag finds a flag of the command, or a persistent one of its parents,
// by its name, its one-letter name or one of its aliases; nil if there is none.
func lookupFlag(cmd *cobra.Command, name string) *pflag.Flag {
	if name == "" {
		return nil
	}
	if f := cmd.Flag(name); f != nil {
		return f
	}
	var found *pflag.Flag
	match := func(f *pflag.Flag) {
		for _, other := range flagNames(f) {
			if other == name {
				found = f
			}
		}
	}
	cmd.InheritedFlags().VisitAll(match)
	cmd.LocalFlags().VisitAll(match)
	return found
}

func subcommand(parent *cobra.Command, word string) *cobra.Command {
	for _, sub := range parent.Commands() {
		if sub.Name() == word || sub.HasAlias(word) {
			return sub
		}
	}
	return nil
}
