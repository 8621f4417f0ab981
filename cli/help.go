package cli

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// helpFlags are the flags of step help, which write all pages in another form.
type helpFlags struct {
	http, html, markdown, man string
	report                    bool
}

func helpCommand(env *Env) *cobra.Command {
	var flags helpFlags
	cmd := &cobra.Command{
		Use:     "help [<command>...]",
		Aliases: []string{"h"},
		Short:   "show the help of a command",
		Long: `**step help** shows the help page of a command, which is also what the flag --help
of that command does. With one of its options it writes the pages of all commands.`,
		Example: `Show the help of a command:
$ step help certificate create

Read all pages in a browser:
$ step help --http 127.0.0.1:8080

Write manual pages:
$ step help --man /usr/local/share/man/man1`,
		RunE: func(cmd *cobra.Command, args []string) error { return env.help(cmd.Root(), args, flags) },
	}
	cmd.Flags().StringVar(&flags.http, "http", "", "serve the pages over HTTP at this `address`")
	cmd.Flags().StringVar(&flags.html, "html", "", "write the pages as HTML below this `directory`")
	cmd.Flags().StringVar(&flags.markdown, "markdown", "", "write the pages as Markdown below this `directory`")
	cmd.Flags().StringVar(&flags.man, "man", "", "write manual pages into this `directory`")
	cmd.Flags().BoolVar(&flags.report, "report", false, "with --html, also write report.json with the size of each page")
	Standalone(cmd)
	return cmd
}

func (env *Env) help(root *cobra.Command, words []string, flags helpFlags) error {
	cmd := root
	for _, word := range words {
		sub := subcommand(cmd, word)
		if sub == nil {
			return adviseCommand(cmd, word, &unknownCommandError{word: topic(words)})
		}
		cmd = sub
	}
	if err := flags.check(); err != nil {
		return err
	}
	switch {
	case flags.http != "":
		return env.serveHelp(root, flags.http)
	case flags.html != "":
		return exportHTML(root, flags.html, flags.report)
	case flags.markdown != "":
		return exportMarkdown(root, flags.markdown)
	case flags.man != "":
		return exportMan(root, flags.man)
	}
	return env.writeHelp(cmd)
}

// check refuses flags that do not go together: the pages are written in one form.
func (f *helpFlags) check() error {
	if f.report && f.html == "" {
		return RequiredWithFlag("report", "html")
	}
	form := ""
	for _, flag := range []struct{ name, value string }{{"http", f.http}, {"html", f.html}, {"markdown", f.markdown}, {"man", f.man}} {
		switch {
		case flag.value == "":
		case form != "":
			return MutuallyExclusive(form, flag.name)
		default:
			form = flag.name
		}
	}
	return nil
}

// topic names what was not found as the reference does: with the program when
// there is more than one word.
func topic(words []string) string {
	if len(words) > 1 {
		return "step " + strings.Join(words, " ")
	}
	return words[0]
}

// writeHelp shows the page of the command on Stdout.
func (env *Env) writeHelp(cmd *cobra.Command) error {
	_, err := env.Stdout.Write(newPage(cmd).text(env.ColorOut))
	return err
}

// text is the page for a terminal, with or without ANSI styles.
func (p *page) text(styled bool) []byte {
	t := textWriter{styled: styled}
	t.section("NAME", "**"+p.Name+"** -- "+p.Short)
	t.section("USAGE", p.Usage)
	t.section("DESCRIPTION", p.Description)
	t.section("POSITIONAL ARGUMENTS", p.Arguments)
	if len(p.Commands) > 0 {
		t.title("COMMANDS")
		width := 0
		for _, c := range p.Commands {
			width = max(width, len(c.Name))
		}
		for _, c := range p.Commands {
			t.paragraph(fmt.Sprintf("**%s**%s  %s", c.Name, strings.Repeat(" ", width-len(c.Name)), c.Short))
		}
		t.WriteByte('\n')
	}
	if len(p.Flags) > 0 {
		t.title("OPTIONS")
		for _, f := range p.Flags {
			t.paragraph(strings.TrimSpace("**" + f.Names + "** " + f.Value))
			t.paragraph("    " + f.Text + "\n")
		}
	}
	t.section("EXAMPLES", p.Examples)
	for _, s := range p.Sections {
		t.section(s.Title, s.Text)
	}
	return t.Bytes()
}

// A textWriter writes indented paragraphs.
type textWriter struct {
	bytes.Buffer
	styled bool
}

func (t *textWriter) section(title, text string) {
	if text == "" {
		return
	}
	t.title(title)
	t.paragraph(text + "\n")
}

func (t *textWriter) title(title string) { t.paragraphAt("", "**"+title+"**") }

func (t *textWriter) paragraph(text string) { t.paragraphAt("  ", text) }

func (t *textWriter) paragraphAt(indent, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		if line != "" {
			line = indent + t.strong(line)
		}
		t.WriteString(line + "\n")
	}
}

// strong replaces **x**.
func (t *textWriter) strong(line string) string {
	on, off := "", ""
	if t.styled {
		on, off = "\x1b[1m", "\x1b[0m"
	}
	return replaceStrong(line, func(s string) string { return s }, on, off)
}

// replaceStrong escapes the line and puts on and off around each **x** in it.
func replaceStrong(line string, escape func(string) string, on, off string) string {
	parts := strings.Split(line, "**")
	if len(parts)%2 == 0 { // an odd mark is meant literally
		return escape(line)
	}
	var b strings.Builder
	for i, part := range parts {
		if i%2 == 1 {
			b.WriteString(on + escape(part) + off)
			continue
		}
		b.WriteString(escape(part))
	}
	return b.String()
}
