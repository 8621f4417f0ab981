package config

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"stepca/keyfile"
)

// A Context is a named pair of an authority directory and a profile directory,
// so that one user can work with several authorities.
type Context struct {
	Name      string `json:"-"`
	Profile   string `json:"profile"`
	Authority string `json:"authority"`
}

// Contexts is the content of contexts.json and current-context.json. The zero
// value of its maps means contexts are not used.
type Contexts struct {
	base    string // directory of both files
	current string // "" when no context is current
	byName  map[string]Context
}

// LoadContexts reads the contexts below base, the directory of StepPath.Base.
// Missing files mean that contexts are not used. The error names the file or
// the context that is wrong; for a current context that is not defined it is an
// *UnknownContextError.
func LoadContexts(base string) (*Contexts, error) {
	c := &Contexts{base: base}
	var entries map[string]*Context
	if err := readJSON(c.file(), &entries); err != nil {
		return nil, err
	}
	c.byName = make(map[string]Context, len(entries))
	for name, entry := range entries {
		if err := validContext(entry); err != nil {
			return nil, fmt.Errorf("error in context '%s': %w; check your $STEPPATH/contexts.json file", name, err)
		}
		c.byName[name] = Context{Name: name, Profile: entry.Profile, Authority: entry.Authority}
	}
	var current struct {
		Context string `json:"context"`
	}
	if err := readJSON(c.currentFile(), &current); err != nil {
		return nil, err
	}
	if current.Context != "" {
		if _, err := c.Load(current.Context); err != nil {
			return nil, err
		}
	}
	c.current = current.Context
	return c, nil
}

// validContext refuses entries that would name no directory, or one outside
// authorities and profiles.
func validContext(c *Context) error {
	switch {
	case c == nil:
		return errors.New("context cannot be null")
	case c.Authority == "":
		return errors.New("context cannot have an empty authority value")
	case c.Profile == "":
		return errors.New("context cannot have an empty profile value")
	case !filepath.IsLocal(c.Authority):
		return errors.New("context has an authority value outside of the step path")
	case !filepath.IsLocal(c.Profile):
		return errors.New("context has a profile value outside of the step path")
	}
	return nil
}

// Enabled reports whether contexts are in use: one is defined or current.
func (c *Contexts) Enabled() bool { return len(c.byName) > 0 || c.current != "" }

// Current is the current context, false when none is.
func (c *Contexts) Current() (Context, bool) {
	ctx, ok := c.byName[c.current]
	return ctx, ok
}

// Get is the context of that name, false when there is none.
func (c *Contexts) Get(name string) (Context, bool) {
	ctx, ok := c.byName[name]
	return ctx, ok
}

// Load is Get with an *UnknownContextError for a name that there is not.
func (c *Contexts) Load(name string) (Context, error) {
	ctx, ok := c.byName[name]
	if !ok {
		return Context{}, &UnknownContextError{name}
	}
	return ctx, nil
}

// An UnknownContextError is the use of a context that is not defined.
type UnknownContextError struct{ Name string }

func (e *UnknownContextError) Error() string {
	return fmt.Sprintf("could not load context '%s'", e.Name)
}

// List returns all contexts sorted by name, ignoring case.
func (c *Contexts) List() []Context {
	return slices.SortedFunc(maps.Values(c.byName), func(a, b Context) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.Name, b.Name))
	})
}

// Add defines or replaces a context and saves contexts.json.
func (c *Contexts) Add(ctx Context) error {
	if ctx.Name == "" {
		return errors.New("context cannot have an empty name")
	}
	if err := validContext(&ctx); err != nil {
		return fmt.Errorf("error in context '%s': %w", ctx.Name, err)
	}
	byName := maps.Clone(c.byName)
	byName[ctx.Name] = ctx
	return c.save(byName)
}

// Remove forgets a context and saves contexts.json. The directories stay; the
// current context and an unknown one are errors.
func (c *Contexts) Remove(name string) error {
	if _, ok := c.byName[name]; !ok {
		return fmt.Errorf("context '%s' not found", name)
	}
	if name == c.current {
		return errors.New("cannot remove current context; use 'step context select' to switch contexts")
	}
	byName := maps.Clone(c.byName)
	delete(byName, name)
	return c.save(byName)
}

// Select makes a context the current one and saves that in current-context.json.
func (c *Contexts) Select(name string) error {
	if _, ok := c.byName[name]; !ok {
		return fmt.Errorf("context '%s' not found", name)
	}
	b, err := json.Marshal(map[string]string{"context": name})
	if err != nil {
		return err
	}
	if err := keyfile.WriteFile(c.currentFile(), b, 0o644); err != nil {
		return err
	}
	c.current = name
	return nil
}

func (c *Contexts) save(byName map[string]Context) error {
	b, err := json.MarshalIndent(byName, "", "    ")
	if err != nil {
		return err
	}
	if err := keyfile.WriteFile(c.file(), b, 0o600); err != nil {
		return err
	}
	c.byName = byName
	return nil
}

func (c *Contexts) file() string        { return filepath.Join(c.base, "contexts.json") }
func (c *Contexts) currentFile() string { return filepath.Join(c.base, "current-context.json") }

// readJSON decodes the file into v, which stays as it is when there is no file.
func readJSON(name string, v any) error {
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("error parsing %s: %w", name, err)
	}
	return nil
}
