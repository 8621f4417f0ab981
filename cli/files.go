package cli

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"stepca/keyfile"
)

// PublicPerm is the mode of files that are no secrets; keyfile.SecretPerm is that
// of the others.
const PublicPerm fs.FileMode = 0o644

// A NewFile is a file to be written.
type NewFile struct {
	Name string
	Data []byte
	Perm fs.FileMode // of one that is not there yet; see keyfile.WriteFile
}

// CheckOut makes sure that the value of a flag, the name of a file to be written, is
// not that of a file which is needed still: what says which one. An empty value is
// no file.
func CheckOut(flag, out, needed, what string) error {
	if out == "" || needed == "" {
		return nil
	}
	a, errA := os.Stat(out)
	b, errB := os.Stat(needed)
	if filepath.Clean(out) != filepath.Clean(needed) && (errA != nil || errB != nil || !os.SameFile(a, b)) {
		return nil
	}
	return InvalidValueReason(flag, out, "it is the file of the "+what)
}

// WriteFiles writes all files or none, in their order: each in one piece, and if
// one of them cannot be written, those before it get their old contents back. It
// does not ask, see Env.MayWriteAll.
func WriteFiles(files ...NewFile) error {
	var undo []func() error
	for _, f := range files {
		restore, err := saved(f.Name)
		if err == nil {
			undo = append(undo, restore)
			err = keyfile.WriteFile(f.Name, f.Data, f.Perm)
		}
		if err != nil {
			for _, restore := range slices.Backward(undo) {
				err = errors.Join(err, restore())
			}
			return FileError(err)
		}
	}
	return nil
}

// saved returns what makes a file again what it is now. Pipes and devices cannot
// be put back.
func saved(name string) (restore func() error, err error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return absent(name), nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return func() error { return nil }, nil
	}
	data, err := os.ReadFile(name)
	return func() error {
		if now, err := os.ReadFile(name); err == nil && bytes.Equal(now, data) {
			return nil
		}
		return keyfile.WriteFile(name, data, info.Mode().Perm())
	}, err
}

// absent returns what removes a file, and the directories that are missing now.
func absent(name string) (restore func() error) {
	missing := MissingDirs(filepath.Dir(name))
	return func() error {
		err := os.Remove(name)
		for _, dir := range slices.Backward(missing) {
			os.Remove(dir) //nolint:errcheck // somebody else may use it by now
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
}

// MissingDirs are those of a directory and its parents that are not there, the
// outermost first.
func MissingDirs(dir string) []string {
	var missing []string
	for {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			slices.Reverse(missing)
			return missing
		}
		missing = append(missing, dir)
		dir = filepath.Dir(dir)
	}
}

// MayWriteAll is MayWrite for several files, before any of them is written.
func (env *Env) MayWriteAll(force bool, names ...string) error {
	for _, name := range names {
		if err := env.MayWrite(name, force); err != nil {
			return err
		}
	}
	return nil
}
