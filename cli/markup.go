package cli

import (
	"bytes"
	"fmt"
	"html"
	"strings"

	"github.com/spf13/cobra"
)

// frontMatter is what site generators want before a Markdown page.
func (p *page) frontMatter(cmd *cobra.Command) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "---\nlayout: auto-doc\ncategory: reference\ntitle: %s\nmenu:\n  docs:\n", p.Name)
	if cmd.HasParent() {
		fmt.Fprintf(&b, "    parent: %s\n", cmd.Parent().CommandPath())
	}
	b.WriteString("    children:\n")
	for _, c := range p.Commands {
		fmt.Fprintf(&b, "      - %s\n", c.Name)
	}
	b.WriteString("---\n\n")
	return b.Bytes()
}

// titles are the titles of the sections that the page has.
func (p *page) titles() []string {
	var titles []string
	for _, s := range p.prose() {
		titles = append(titles, s.Title)
	}
	if len(p.Commands) > 0 {
		titles = append(titles, "COMMANDS")
	}
	if len(p.Flags) > 0 {
		titles = append(titles, "OPTIONS")
	}
	if p.Examples != "" {
		titles = append(titles, "EXAMPLES")
	}
	for _, s := range p.Sections {
		titles = append(titles, s.Title)
	}
	return titles
}

// prose are the sections before the lists.
func (p *page) prose() []section {
	all := []section{
		{"NAME", "**" + p.Name + "** -- " + p.Short},
		{"USAGE", p.Usage},
		{"DESCRIPTION", p.Description},
		{"POSITIONAL ARGUMENTS", p.Arguments},
	}
	var found []section
	for _, s := range all {
		if s.Text != "" {
			found = append(found, s)
		}
	}
	return found
}

func (p *page) markdown() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s\n", p.Name)
	write := func(s section) { fmt.Fprintf(&b, "\n## %s\n\n%s\n", s.Title, escapeMarkdown(s.Text)) }
	for _, s := range p.prose() {
		write(s)
	}
	if len(p.Commands) > 0 {
		b.WriteString("\n## COMMANDS\n\n| Name | Description |\n|---|---|\n")
		for _, c := range p.Commands {
			fmt.Fprintf(&b, "| [%s](%s/) | %s |\n", c.Name, c.Name, escapeMarkdown(c.Short))
		}
	}
	if len(p.Flags) > 0 {
		b.WriteString("\n## OPTIONS\n")
		for _, f := range p.Flags {
			fmt.Fprintf(&b, "\n`%s`\n\n%s\n", strings.TrimSpace(f.Names+" "+f.Value), escapeMarkdown(f.Text))
		}
	}
	if p.Examples != "" {
		b.WriteString("\n## EXAMPLES\n\n")
		p.eachExample(func(text string) { fmt.Fprintln(&b, escapeMarkdown(text)) },
			func(code string) { fmt.Fprintf(&b, "```shell\n%s\n```\n", code) })
	}
	for _, s := range p.Sections {
		write(s)
	}
	return b.Bytes()
}

// escapeMarkdown keeps <x> from being read as HTML.
func escapeMarkdown(s string) string { return strings.NewReplacer("<", "\\<", "{", "\\{").Replace(s) }

// eachExample calls text for lines of prose, and code for each run of lines
// shown as in a terminal.
func (p *page) eachExample(text, code func(string)) {
	lines, isCode := codeLines(p.Examples)
	for i := 0; i < len(lines); {
		if !isCode[i] {
			text(lines[i])
			i++
			continue
		}
		start := i
		for i < len(lines) && isCode[i] {
			i++
		}
		code(strings.Join(lines[start:i], "\n"))
	}
}

const styleSheet = `body { font: 16px/1.5 sans-serif; max-width: 50em; margin: 2em auto; padding: 0 1em; }
h2 { font-size: 1em; }
p { white-space: pre-line; }
pre { background: #f4f4f4; padding: .5em 1em; overflow-x: auto; }
dt { font-family: monospace; font-weight: bold; }
`

// html is the page with links to its subcommands, made by link from their name.
func (p *page) html(link func(sub string) string, style string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>%s</title>\n"+
		"<link rel=\"stylesheet\" href=\"%s\">\n<h1>%[1]s</h1>\n", html.EscapeString(p.Name), style)
	write := func(s section) {
		fmt.Fprintf(&b, "<h2>%s</h2>\n%s", html.EscapeString(s.Title), htmlParagraphs(s.Text))
	}
	for _, s := range p.prose() {
		write(s)
	}
	if len(p.Commands) > 0 {
		b.WriteString("<h2>COMMANDS</h2>\n<dl>\n")
		for _, c := range p.Commands {
			fmt.Fprintf(&b, "<dt><a href=\"%s\">%s</a></dt><dd>%s</dd>\n", link(c.Name), c.Name, html.EscapeString(c.Short))
		}
		b.WriteString("</dl>\n")
	}
	if len(p.Flags) > 0 {
		b.WriteString("<h2>OPTIONS</h2>\n<dl>\n")
		for _, f := range p.Flags {
			fmt.Fprintf(&b, "<dt>%s</dt><dd>%s</dd>\n", html.EscapeString(f.Names+" "+f.Value), html.EscapeString(f.Text))
		}
		b.WriteString("</dl>\n")
	}
	if p.Examples != "" {
		b.WriteString("<h2>EXAMPLES</h2>\n")
		p.eachExample(func(text string) { b.WriteString(htmlParagraphs(text)) },
			func(code string) { fmt.Fprintf(&b, "<pre>%s</pre>\n", html.EscapeString(code)) })
	}
	for _, s := range p.Sections {
		write(s)
	}
	return b.Bytes()
}

func htmlParagraphs(text string) string {
	var b strings.Builder
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		if paragraph != "" {
			b.WriteString("<p>" + replaceStrong(paragraph, html.EscapeString, "<strong>", "</strong>") + "</p>\n")
		}
	}
	return b.String()
}

// man is the page for man(1), in the macros of man(7).
func (p *page) man() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, ".TH \"%s\" 1\n", roff(strings.ToUpper(strings.ReplaceAll(p.Name, " ", "-"))))
	write := func(s section) { fmt.Fprintf(&b, ".SH %s\n%s", roff(s.Title), manText(s.Text)) }
	for _, s := range p.prose() {
		if s.Title == "NAME" { // makewhatis wants exactly this form
			s.Text = strings.ReplaceAll(p.Name, " ", "-") + " - " + p.Short
		}
		write(s)
	}
	if len(p.Commands) > 0 {
		b.WriteString(".SH COMMANDS\n")
		for _, c := range p.Commands {
			fmt.Fprintf(&b, ".TP\n\\fB%s\\fR\n%s", roff(c.Name), manText(c.Short))
		}
	}
	if len(p.Flags) > 0 {
		b.WriteString(".SH OPTIONS\n")
		for _, f := range p.Flags {
			fmt.Fprintf(&b, ".TP\n\\fB%s\\fR %s\n%s", roff(f.Names), roff(f.Value), manText(f.Text))
		}
	}
	if p.Examples != "" {
		b.WriteString(".SH EXAMPLES\n")
		p.eachExample(func(text string) { b.WriteString(manText(text)) },
			func(code string) { fmt.Fprintf(&b, ".PP\n.nf\n.RS\n%s.RE\n.fi\n", manText(code)) })
	}
	for _, s := range p.Sections {
		write(s)
	}
	return b.Bytes()
}

func manText(text string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" {
			b.WriteString(".PP\n")
			continue
		}
		line = replaceStrong(line, roff, `\fB`, `\fR`)
		if line[0] == '.' || line[0] == '\'' {
			line = `\&` + line
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

func roff(s string) string { return strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s) }
