package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"stepca/cli"
)

func newEnv(t *testing.T) (env *cli.Env, stdout, stderr *bytes.Buffer) {
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	home := t.TempDir()
	return &cli.Env{
		Stdin:  strings.NewReader(""),
		Stdout: stdout,
		Stderr: stderr,
		Getenv: func(name string) string { return map[string]string{"HOME": home}[name] },
		Now:    time.Now,
	}, stdout, stderr
}

// visit calls do for every command.
func visit(cmd *cobra.Command, do func(*cobra.Command)) {
	do(cmd)
	for _, sub := range cmd.Commands() {
		visit(sub, do)
	}
}

// TestCommands holds every command to what the frame relies on.
func TestCommands(t *testing.T) {
	t.Parallel()
	env, _, _ := newEnv(t)
	visit(cli.NewRoot(env, commands()...), func(cmd *cobra.Command) {
		path := cmd.CommandPath()
		if cmd.Short == "" {
			t.Errorf("%s has no short description", path)
		}
		if strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: the short description ends with a full stop", path)
		}
		if cmd.HasSubCommands() && cmd.HasParent() && cmd.Runnable() {
			t.Errorf("%s has subcommands and an action of its own", path)
		}
		if cmd.Runnable() && cmd.Args == nil && cmd.HasParent() && cmd.Name() != "help" {
			t.Errorf("%s does not check the number of its arguments", path)
		}
		names := make(map[string]bool)
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s --%s has no description", path, f.Name)
			}
			for _, name := range append([]string{f.Name, f.Shorthand}, f.Annotations["alias"]...) {
				if name != "" && names[name] {
					t.Errorf("%s has two flags named %s", path, name)
				}
				names[name] = true
			}
		})
	})
}

// TestHelp shows the help of every command in both ways.
func TestHelp(t *testing.T) {
	t.Parallel()
	env, _, _ := newEnv(t)
	visit(cli.NewRoot(env, commands()...), func(cmd *cobra.Command) {
		words := strings.Fields(cmd.CommandPath())[1:]
		var pages []string
		for _, args := range [][]string{append(words[:len(words):len(words)], "--help"), append([]string{"help"}, words...)} {
			env, stdout, stderr := newEnv(t)
			if code := cli.Run(context.Background(), env, args, commands()...); code != 0 || stderr.Len() > 0 {
				t.Errorf("step %s: exit code %d, %s", strings.Join(args, " "), code, stderr)
			}
			pages = append(pages, stdout.String())
		}
		if pages[0] != pages[1] {
			t.Errorf("%s: --help and help differ", cmd.CommandPath())
		}
		if !strings.HasPrefix(pages[0], "NAME\n  "+cmd.CommandPath()+" -- ") {
			t.Errorf("%s: help begins with %.40q", cmd.CommandPath(), pages[0])
		}
	})
}

// TestExport writes all pages in all forms.
func TestExport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, args := range [][]string{
		{"help", "--markdown", filepath.Join(dir, "markdown")},
		{"help", "--html", filepath.Join(dir, "html"), "--report"},
		{"help", "--man", filepath.Join(dir, "man")},
	} {
		env, _, stderr := newEnv(t)
		if code := cli.Run(context.Background(), env, args, commands()...); code != 0 {
			t.Fatalf("step %s: exit code %d, %s", strings.Join(args, " "), code, stderr)
		}
	}
	for name, want := range map[string]string{
		"markdown/README.mdx":                    "title: step\n",
		"markdown/certificate/create/README.mdx": "    parent: step certificate\n",
		"html/index.html":                        `<a href="certificate/index.html">certificate</a>`,
		"html/certificate/create/index.html":     `<link rel="stylesheet" href="../../style.css">`,
		"html/style.css":                         "body {",
		"html/report.json":                       `"command": "step certificate create"`,
		"man/step-certificate-create.1":          ".SH NAME\nstep\\-certificate\\-create \\- create a certificate or certificate request\n",
	} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		} else if !strings.Contains(string(b), want) {
			t.Errorf("%s has no %q", name, want)
		}
	}
}
