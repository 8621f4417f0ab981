package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"stepca/keyfile"
)

// ReadFile reads the file once, "-" being standard input.
func (env *Env) ReadFile(name string) ([]byte, error) {
	if name != "-" {
		b, err := keyfile.ReadFile(name)
		if err != nil {
			return nil, FileError(err)
		}
		return b, nil
	}
	b, err := io.ReadAll(io.LimitReader(env.Stdin, keyfile.MaxFileSize+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("error reading standard input: %w", err)
	case len(b) > keyfile.MaxFileSize:
		return nil, fmt.Errorf("error reading standard input: larger than %d bytes", keyfile.MaxFileSize)
	}
	return b, nil
}

// WriteFile writes the file in one piece or not at all (see keyfile.WriteFile).
// Without force the user is asked before a file is overwritten; the error after
// a no is "file exists".
func (env *Env) WriteFile(name string, data []byte, perm fs.FileMode, force bool) error {
	if err := env.MayWrite(name, force); err != nil {
		return err
	}
	return FileError(keyfile.WriteFile(name, data, perm))
}

// MayWrite asks before an existing file is overwritten, unless force is set.
// A command that writes several files asks for all of them first, so that a no
// leaves nothing half done. A pipe or device is written to without a question.
func (env *Env) MayWrite(name string, force bool) error {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return FileError(err)
	case info.IsDir():
		return fmt.Errorf("open %s failed: file is a directory", name)
	case force, !info.Mode().IsRegular():
		return nil
	}
	yes, err := env.Prompt.Confirm(Question{Label: "Would you like to overwrite " + name, Flag: "force"})
	if _, nobody := errors.AsType[*NoTerminalError](err); nobody {
		return WithHint(err, "There is a file "+name+" already.")
	}
	if err != nil {
		return err
	}
	if !yes {
		return errFileExists
	}
	return nil
}

// errFileExists is the answer no to the question whether to overwrite.
var errFileExists = errors.New("file exists")

// ReadPassword returns the password in the file, less the white space at its
// end, or asks q when file is "". q.Flag should name the flag of file.
func (env *Env) ReadPassword(file string, q Question) ([]byte, error) {
	if file != "" {
		return LoadPassword(file)
	}
	return env.Prompt.Password(q)
}

// LoadPassword is keyfile.LoadPassword with the error that scripts know.
func LoadPassword(file string) ([]byte, error) {
	password, err := keyfile.LoadPassword(file)
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return nil, fmt.Errorf("error reading %s: error reading %q: %w", file, file, path.Err)
	}
	return password, err
}

// Password is the source of the password of an encrypted key: the file, or the
// user when file is "". flag names the flag of file for the error when there is
// no terminal.
func (env *Env) Password(file, flag string) keyfile.Password {
	if file != "" {
		load := sync.OnceValues(func() ([]byte, error) { return LoadPassword(file) })
		return keyfile.Password{Ask: func(string) ([]byte, error) { return load() }}
	}
	return keyfile.Password{
		Ask:      func(prompt string) ([]byte, error) { return env.Prompt.Password(Question{Label: prompt, Flag: flag}) },
		Attempts: keyfile.TerminalAttempts,
	}
}
