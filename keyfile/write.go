package keyfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Permissions of what holds secrets.
const (
	SecretPerm fs.FileMode = 0o600 // files
	DirPerm    fs.FileMode = 0o700 // directories
)

// WriteFile makes data the contents of the named file, all of it or none: it
// writes a temporary file in the same directory, syncs it, and renames it.
// After a crash there is the old file or the new one. Directories that are
// missing are made, with DirPerm.
//
// A file that is there keeps its owner, its group, and its mode, which an
// administrator may have widened for a service; but of the mode of a secret (a
// perm without rights for others) the rights for others are dropped. A symbolic
// link stays, and what it points to is replaced. A pipe or device, such as
// /dev/stdout, is written to.
func WriteFile(name string, data []byte, perm fs.FileMode) error {
	if err := writeFile(name, data, perm); err != nil {
		return &FileError{Op: "writing", Name: name, Err: err}
	}
	return nil
}

func writeFile(name string, data []byte, perm fs.FileMode) error {
	if isDescriptor(name) {
		return writeThrough(name, data)
	}
	target, err := filepath.EvalSymlinks(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		target = name
		if err := os.MkdirAll(filepath.Dir(name), DirPerm); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	old, err := os.Stat(target)
	switch {
	case err == nil && old.IsDir():
		return errors.New("is a directory")
	case err == nil && !old.Mode().IsRegular():
		return writeThrough(target, data)
	case err == nil:
		perm = keptMode(old.Mode().Perm(), perm)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	default:
		old = nil
	}
	return replace(target, data, perm, old)
}

// keptMode is the mode of a new file in the place of one with mode old.
func keptMode(old, perm fs.FileMode) fs.FileMode {
	if perm&0o007 == 0 {
		old &^= 0o007
	}
	return old | 0o400
}

// CreateFile is WriteFile for a file that must not be there yet; if it is, the
// error is fs.ErrExist and the file is left alone. Of two that create one file
// at a time, one succeeds.
func CreateFile(name string, data []byte, perm fs.FileMode) error {
	err := os.MkdirAll(filepath.Dir(name), DirPerm)
	if err == nil {
		err = viaTemp(name, data, perm, nil, func(temp string) error {
			defer os.Remove(temp)
			return os.Link(temp, name) // unlike a rename, never in the place of another
		})
	}
	if err != nil {
		return &FileError{Op: "writing", Name: name, Err: err}
	}
	return nil
}

// replace puts data in the place of target, whose former file is old, or nil.
func replace(target string, data []byte, perm fs.FileMode, old fs.FileInfo) error {
	return viaTemp(target, data, perm, old, func(temp string) error { return os.Rename(temp, target) })
}

// viaTemp writes and syncs a temporary file beside target, and has publish give
// it its name.
func viaTemp(target string, data []byte, perm fs.FileMode, old fs.FileInfo, publish func(temp string) error) (err error) {
	// CreateTemp makes the file 0600, so nobody else reads it meanwhile.
	f, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if old != nil && !keepOwner(f, old) && perm&0o007 == 0 {
		perm &= 0o700 // the group that was let in is not the one the file has now
	}
	if err := f.Chmod(perm); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := publish(f.Name()); err != nil {
		return err
	}
	return syncDir(filepath.Dir(target))
}

// isDescriptor reports whether name stands for an open file of this process.
// Where that leads to a regular file, as after a shell's > file, the shell wants
// its contents there, and not a new file of the same name.
func isDescriptor(name string) bool {
	return name == "/dev/stdout" || name == "/dev/stderr" || strings.HasPrefix(name, "/dev/fd/")
}

// writeThrough writes to something that is not replaced, after what is there.
func writeThrough(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
