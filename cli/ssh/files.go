package ssh

import (
	"errors"
	"io/fs"
	"os"

	"stepca/cli"
	"stepca/keyfile"
)

// publicPerm is the mode of files that are no secrets.
const publicPerm fs.FileMode = 0o644

// A newFile is a file to be written.
type newFile struct {
	name string
	data []byte
	perm fs.FileMode
}

// writeAll writes all files or none: each in one piece, and if one of them
// cannot be written, those before it get their old contents back.
func writeAll(files []newFile) error {
	var undo []func() error
	for _, f := range files {
		restore, err := saved(f.name)
		if err == nil {
			err = keyfile.WriteFile(f.name, f.data, f.perm)
		}
		if err != nil {
			for _, restore := range undo {
				err = errors.Join(err, restore())
			}
			return cli.FileError(err)
		}
		undo = append(undo, restore)
	}
	return nil
}

// saved returns what makes a file again what it is now. Pipes and devices cannot
// be put back.
func saved(name string) (restore func() error, err error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return func() error { return os.Remove(name) }, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return func() error { return nil }, nil
	}
	data, err := os.ReadFile(name)
	return func() error { return keyfile.WriteFile(name, data, info.Mode().Perm()) }, err
}

// mayWriteAll asks about every file that is there before any is written.
func mayWriteAll(env *cli.Env, names []string, force bool) error {
	for _, name := range names {
		if err := env.MayWrite(name, force); err != nil {
			return err
		}
	}
	return nil
}
