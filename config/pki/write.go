package pki

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"stepca/config"
	"stepca/keyfile"
)

// Init makes a CA and writes it.
func Init(opts Options) (*Result, error) {
	p, err := New(opts)
	if err != nil {
		return nil, err
	}
	return p.Write()
}

// Write puts the CA on disk. After an error everything is as it was before.
func (p *PKI) Write() (*Result, error) { return p.writeWith() }

// writeWith is Write with further files, which are written first.
func (p *PKI) writeWith(more ...file) (*Result, error) {
	files, err := p.files()
	if err != nil {
		return nil, err
	}
	files = append(more, files...)
	if p.opts.Path.Context.Name != "" && p.Config != nil {
		name := p.opts.Path.ProfileDefaults()
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			files = append(files, file{name, []byte("{}"), keyfile.SecretPerm})
		}
	}
	if err := p.mayOverwrite(files); err != nil {
		return nil, err
	}
	var u undo
	if err := p.write(&u, files); err != nil {
		if undoErr := u.run(); undoErr != nil {
			err = fmt.Errorf("%w; and it was not possible to clean up: %w", err, undoErr)
		}
		return nil, err
	}
	return p.result(), nil
}

// mayOverwrite asks about every file that exists.
func (p *PKI) mayOverwrite(files []file) error {
	for _, f := range files {
		if _, err := os.Lstat(f.name); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		if p.opts.Overwrite == nil {
			return fmt.Errorf("%s: file exists; move it away, or choose another step path", f.name)
		}
		yes, err := p.opts.Overwrite(f.name)
		if err != nil {
			return err
		}
		if !yes {
			return fmt.Errorf("%s: file exists", f.name)
		}
	}
	return nil
}

func (p *PKI) write(u *undo, files []file) error {
	for _, dir := range p.directories() {
		if err := u.makeDir(dir); err != nil {
			return err
		}
	}
	for _, f := range files {
		if err := u.writeFile(f); err != nil {
			return err
		}
	}
	if p.Config == nil {
		return nil
	}
	if p.opts.RemoteManagement && p.opts.StoreAdmin != nil {
		u.emptyDir(p.location.database)
		if err := p.opts.StoreAdmin(p.Config, p.Provisioners, p.opts.AdminSubject); err != nil {
			return fmt.Errorf("storing the provisioners and the first administrator: %w", err)
		}
	}
	return p.defineContext(u)
}

// defineContext makes the context of the new CA the current one.
func (p *PKI) defineContext(u *undo) error {
	ctx := p.opts.Path.Context
	if ctx.Name == "" {
		return nil
	}
	base := p.opts.Path.Base
	for _, name := range []string{"contexts.json", "current-context.json"} {
		if err := u.remember(filepath.Join(base, name), keyfile.SecretPerm); err != nil {
			return err
		}
	}
	contexts, err := config.LoadContexts(base)
	if err != nil {
		return err
	}
	if err := contexts.Add(ctx); err != nil {
		return err
	}
	return contexts.Select(ctx.Name)
}

// undo holds what to do, last first, to get back to the state before.
type undo struct{ steps []func() error }

func (u *undo) run() error {
	var errs []error
	for i := len(u.steps) - 1; i >= 0; i-- {
		errs = append(errs, u.steps[i]())
	}
	return errors.Join(errs...)
}

func (u *undo) add(step func() error) { u.steps = append(u.steps, step) }

// makeDir makes a directory and its parents.
func (u *undo) makeDir(name string) error {
	if _, err := os.Stat(name); err == nil {
		return nil
	}
	if parent := filepath.Dir(name); parent != name {
		if err := u.makeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(name, keyfile.DirPerm); err != nil {
		return err
	}
	u.add(func() error { return os.Remove(name) })
	return nil
}

// remember notes what is in a file that is about to be written, or that there is
// none.
func (u *undo) remember(name string, perm fs.FileMode) error {
	old, err := keyfile.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		u.add(func() error {
			if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return nil
		})
	case err != nil:
		return err
	default:
		u.add(func() error { return keyfile.WriteFile(name, old, perm) })
	}
	return nil
}

func (u *undo) writeFile(f file) error {
	if err := u.makeDir(filepath.Dir(f.name)); err != nil {
		return err
	}
	if err := u.remember(f.name, f.perm); err != nil {
		return err
	}
	return keyfile.WriteFile(f.name, f.data, f.perm)
}

// emptyDir notes to remove what will be put into a directory that is empty now.
func (u *undo) emptyDir(name string) {
	if entries, err := os.ReadDir(name); err != nil || len(entries) > 0 {
		return
	}
	u.add(func() error {
		entries, err := os.ReadDir(name)
		for _, e := range entries {
			err = errors.Join(err, os.RemoveAll(filepath.Join(name, e.Name())))
		}
		return err
	})
}
