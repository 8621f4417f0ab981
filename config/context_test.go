package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestContexts(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	c, err := LoadContexts(base)
	if err != nil {
		t.Fatal(err)
	}
	if c.Enabled() {
		t.Error("contexts are enabled without files")
	}
	for _, ctx := range []Context{{"b", "pb", "ab"}, {"C", "pc", "ac"}, {"a", "pa", "aa"}} {
		if err := c.Add(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if !c.Enabled() {
		t.Error("contexts are not enabled after Add")
	}
	if err := c.Select("b"); err != nil {
		t.Fatal(err)
	}

	// What was written is read again.
	if c, err = LoadContexts(base); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, ctx := range c.List() {
		names = append(names, ctx.Name)
	}
	if got := strings.Join(names, " "); got != "a b C" {
		t.Errorf("List() = %q, want a b C", got)
	}
	if ctx, ok := c.Current(); !ok || ctx != (Context{"b", "pb", "ab"}) {
		t.Errorf("Current() = %v, %t", ctx, ok)
	}
	if err := c.Remove("b"); err == nil {
		t.Error("Remove of the current context succeeded")
	}
	if err := c.Remove("C"); err != nil {
		t.Error(err)
	}
	if _, ok := c.Get("C"); ok {
		t.Error("a removed context is still there")
	}
	for _, err := range []error{c.Select("nope"), c.Remove("nope"), c.Add(Context{Name: "x"}), c.Add(Context{Profile: "p", Authority: "a"})} {
		if err == nil {
			t.Error("a bad context was accepted")
		}
	}
	if runtime.GOOS == "windows" {
		return
	}
	for file, want := range map[string]fs.FileMode{"contexts.json": 0o600, "current-context.json": 0o644} {
		if info, err := os.Stat(filepath.Join(base, file)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, %v, want %v", file, info.Mode(), err, want)
		}
	}
	b, err := os.ReadFile(filepath.Join(base, "contexts.json"))
	if want := "{\n    \"a\": {\n        \"profile\": \"pa\",\n        \"authority\": \"aa\"\n    },\n"; err != nil || !strings.HasPrefix(string(b), want) {
		t.Errorf("contexts.json is %q, %v, want it to begin with %q", b, err, want)
	}
}

func TestLoadContextsRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, contexts, current, want string }{
		{"null entry", `{"x": null}`, "", "error in context 'x': context cannot be null; check your $STEPPATH/contexts.json file"},
		{"no profile", `{"x": {"authority": "a"}}`, "", "error in context 'x': context cannot have an empty profile value; check"},
		{"outside", `{"x": {"authority": "a", "profile": "/etc"}}`, "", "outside of the step path"},
		{"unknown current", `{"x": {"authority": "a", "profile": "p"}}`, `{"context":"y"}`, "could not load context 'y'"},
		{"broken", `{`, "", "error parsing "},
		{"broken current", `{}`, `{`, "error parsing "},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			base := t.TempDir()
			err := os.WriteFile(filepath.Join(base, "contexts.json"), []byte(test.contexts), 0o600)
			if test.current != "" {
				err = errors.Join(err, os.WriteFile(filepath.Join(base, "current-context.json"), []byte(test.current), 0o600))
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := LoadContexts(base); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("LoadContexts() = %v, want %q", err, test.want)
			}
		})
	}
}
