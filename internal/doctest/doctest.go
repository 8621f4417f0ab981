// Package doctest reads what the documentation of this project shows as code, so
// that tests can hold it to what the programs know.
package doctest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A Block is a fenced piece of code in a page.
type Block struct {
	Page string // file name, without the directory
	Line int    // of its first line
	Text string
}

// Blocks returns the pieces of code in README.md and docs/ that are marked as
// lang: ```lang. The test runs in a package two folders below the module's.
func Blocks(t *testing.T, lang string) []Block {
	t.Helper()
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []Block
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		var open *Block
		for i, line := range strings.Split(string(text), "\n") {
			fence, isFence := strings.CutPrefix(line, "```")
			switch {
			case !isFence && open != nil:
				open.Text += line + "\n"
			case isFence && open != nil:
				if fence == "" && open.Line > 0 {
					blocks = append(blocks, *open)
				}
				open = nil
			case isFence && fence == lang:
				open = &Block{Page: filepath.Base(page), Line: i + 2}
			case isFence:
				open = new(Block) // of another language
			}
		}
	}
	if len(blocks) == 0 {
		t.Fatalf("the documentation has no code marked %s", lang)
	}
	return blocks
}

// A CommandLine is one that the documentation shows.
type CommandLine struct {
	Page string
	Line int
	Args []string // without the name of the program
}

// separator divides a line of the shell into commands; assignments and
// substitutions begin one too.
var separator = regexp.MustCompile(`\$\(|[;|&()]+|\s&&\s`)

// CommandLines returns the command lines of a program in all shell blocks.
func CommandLines(t *testing.T, program string) []CommandLine {
	t.Helper()
	var lines []CommandLine
	for _, block := range Blocks(t, "sh") {
		text := strings.ReplaceAll(block.Text, "\\\n", " ")
		for i, line := range strings.Split(text, "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			for _, command := range separator.Split(line, -1) {
				words := strings.Fields(command)
				for len(words) > 0 && (strings.Contains(words[0], "=") || words[0] == "sudo" || words[0] == "!") {
					words = words[1:]
				}
				if len(words) > 0 && words[0] == program {
					lines = append(lines, CommandLine{block.Page, block.Line + i, words[1:]})
				}
			}
		}
	}
	if len(lines) == 0 {
		t.Fatalf("the documentation has no command line of %s", program)
	}
	return lines
}

// CheckCommandLines fails the test for every command line of the program that
// names a command or flag that root does not have.
func CheckCommandLines(t *testing.T, root *cobra.Command) {
	t.Helper()
	for _, line := range CommandLines(t, root.Name()) {
		cmd := root
		for _, word := range line.Args {
			word = strings.Trim(word, `"'`)
			if name, ok := strings.CutPrefix(word, "-"); ok {
				name, _, _ = strings.Cut(strings.TrimPrefix(name, "-"), "=")
				if !hasFlag(cmd, name) {
					t.Errorf("%s:%d: %s has no flag %s", line.Page, line.Line, cmd.CommandPath(), word)
				}
			} else if cmd.HasSubCommands() {
				if sub := subcommand(cmd, word); sub != nil {
					cmd = sub
				} else if !cmd.Runnable() {
					t.Errorf("%s:%d: %s has no command %s", line.Page, line.Line, cmd.CommandPath(), word)
				}
			}
		}
		if !cmd.Runnable() {
			t.Errorf("%s:%d: %s does nothing by itself", line.Page, line.Line, cmd.CommandPath())
		}
	}
}

func subcommand(cmd *cobra.Command, name string) *cobra.Command {
	for _, sub := range cmd.Commands() {
		if sub.Name() == name || sub.HasAlias(name) {
			return sub
		}
	}
	return nil
}

// hasFlag reports whether a command has a flag of that name, alias or letter.
func hasFlag(cmd *cobra.Command, name string) bool {
	found := name == "help" || name == "h"
	look := func(f *pflag.Flag) {
		found = found || f.Name == name || f.Shorthand == name
		for _, alias := range f.Annotations["alias"] {
			found = found || alias == name
		}
	}
	cmd.Flags().VisitAll(look)
	cmd.InheritedFlags().VisitAll(look)
	return found
}
