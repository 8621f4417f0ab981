package cli

import (
	"cmp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A page is the documentation of one command, made from its value. Every form
// of help is a page written in another markup.
//
// Texts are plain paragraphs in which **x** is strong. A line "## TITLE" in Long
// begins a section of its own. In examples, a line that starts with "$ " or
// follows such a line within its paragraph is shown as in a terminal.
type page struct {
	Name        string // step ca certificate
	Short       string
	Usage       string
	Description string
	Arguments   string // of the section POSITIONAL ARGUMENTS, which precedes the flags
	Flags       []flagEntry
	Commands    []commandEntry
	Examples    string
	Sections    []section // the others, as EXIT CODES
}

type section struct{ Title, Text string }

type commandEntry struct{ Name, Short string }

type flagEntry struct {
	Names string // -f, --force
	Value string // <file>; "" for a Boolean flag
	Text  string // with the default, if that says something
}

func newPage(cmd *cobra.Command) *page {
	p := &page{
		Name:     cmd.CommandPath(),
		Short:    cmd.Short,
		Usage:    Usage(cmd),
		Examples: strings.TrimSpace(cmd.Example),
	}
	p.Description, p.Sections = sections(cmp.Or(cmd.Long, sentence(cmd.Short)))
	p.Sections = slices.DeleteFunc(p.Sections, func(s section) bool {
		if s.Title == "POSITIONAL ARGUMENTS" {
			p.Arguments = s.Text
			return true
		}
		return false
	})
	for _, sub := range visibleCommands(cmd) {
		p.Commands = append(p.Commands, commandEntry{sub.Name(), sub.Short})
	}
	visitFlags(cmd, func(f *pflag.Flag) { p.Flags = append(p.Flags, newFlagEntry(f)) })
	switch {
	case len(p.Commands) > 0 && !cmd.HasParent():
		p.Usage += " [<option>...] <command> [<argument>...]"
	case len(p.Commands) > 0:
		p.Usage += " <command> [<argument>...] [<option>...]"
	case len(p.Flags) > 0:
		p.Usage += " [<option>...]"
	}
	return p
}

// visitFlags calls do for the flags that help and completion show.
func visitFlags(cmd *cobra.Command, do func(*pflag.Flag)) {
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Name != "help" {
			do(f)
		}
	})
}

func visibleCommands(cmd *cobra.Command) []*cobra.Command {
	return slices.DeleteFunc(slices.Clone(cmd.Commands()), func(c *cobra.Command) bool { return c.Hidden })
}

func newFlagEntry(f *pflag.Flag) flagEntry {
	value, text := pflag.UnquoteUsage(f)
	entry := flagEntry{Text: sentence(text)}
	names := flagNames(f)
	for i, name := range names {
		names[i] = dashed(name)
	}
	entry.Names = strings.Join(names, ", ")
	if f.NoOptDefVal == "" {
		entry.Value = "<" + value + ">"
	}
	switch f.DefValue {
	case "", "false", "0", "[]", "0s":
	default:
		entry.Text += " Default: " + f.DefValue + "."
	}
	return entry
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// sections splits a text at its "## TITLE" lines.
func sections(text string) (description string, rest []section) {
	parts := strings.Split("\n"+strings.TrimSpace(text), "\n## ")
	for _, part := range parts[1:] {
		title, body, _ := strings.Cut(part, "\n")
		rest = append(rest, section{strings.TrimSpace(title), strings.TrimSpace(body)})
	}
	return strings.TrimSpace(parts[0]), rest
}

// sentence gives a short description a capital and a full stop.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	return strings.TrimSuffix(s, ".") + "."
}

// codeLines reports for each line of an example whether it is shown as in a
// terminal.
func codeLines(example string) (lines []string, code []bool) {
	lines = strings.Split(example, "\n")
	code = make([]bool, len(lines))
	for i, line := range lines {
		code[i] = strings.HasPrefix(line, "$ ") || i > 0 && code[i-1] && line != ""
	}
	return lines, code
}
