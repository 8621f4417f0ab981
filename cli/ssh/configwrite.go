package ssh

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"stepca/api"
	"stepca/cli"
	"stepca/keyfile"
)

// templatePath is where a template goes: ~ is the home directory, ${STEPPATH} the
// base directory, "." and ".." the working directory, and what is relative
// otherwise is below the directory of the authority.
func templatePath(env *cli.Env, path string) (string, error) {
	path = strings.ReplaceAll(path, "${STEPPATH}", env.Path.Base)
	switch first, rest, _ := strings.Cut(filepath.ToSlash(path), "/"); {
	case path == "":
		return "", errors.New("the certificate authority sent a template without a path")
	case first == "~":
		return filepath.Join(env.Path.Home, rest), nil
	case first == "." || first == "..":
		return filepath.Abs(path)
	case filepath.IsAbs(path):
		return filepath.Clean(path), nil
	}
	return filepath.Join(env.Path.Dir(), path), nil
}

// applyConfig writes all templates, or nothing, and remembers for undoConfig what
// it did. host says that they are for sshd.
func applyConfig(env *cli.Env, templates []api.SSHTemplate, host bool) error {
	j, err := readJournal(env)
	if err != nil {
		return err
	}
	var places []string
	var files []newFile
	for _, t := range templates {
		place, err := templatePath(env, t.Path)
		if err != nil {
			return err
		}
		places = append(places, place)
		if t.Type == api.SSHDirectory {
			j.directory(place, host)
			if err := os.MkdirAll(place, keyfile.DirPerm); err != nil {
				return cli.FileError(err)
			}
			continue
		}
		old, existed, err := currentText(place, files)
		if err != nil {
			return err
		}
		text, err := merge(env, old, t)
		if err != nil {
			return err
		}
		j.file(t, place, host, old, existed, text)
		if !existed || !bytes.Equal(old, text) {
			files = append(files, newFile{place, text, keyfile.SecretPerm})
		}
	}
	if len(files) > 0 {
		record, err := j.encode(env)
		if err != nil {
			return err
		}
		if err := writeAll(append(files, record)); err != nil {
			return err
		}
	}
	for _, place := range places {
		env.Noticef("✔ %s", place)
	}
	return nil
}

// merge returns the text of a file with the template in it.
func merge(env *cli.Env, old []byte, t api.SSHTemplate) ([]byte, error) {
	switch t.Type {
	case api.SSHFile:
		return t.Content, nil
	case api.SSHSnippet:
		comment := t.Comment
		if comment == "" {
			comment = "#"
		}
		return withSection(old, t.Content, comment, env.Now()), nil
	case api.SSHPrependLine:
		return withFirstLine(old, t.Content), nil
	}
	return nil, fmt.Errorf("the certificate authority sent a template of the unknown type %q", t.Type)
}

// currentText is what is in a file, or will be after the pending writes.
func currentText(name string, pending []newFile) (text []byte, existed bool, err error) {
	for i := len(pending) - 1; i >= 0; i-- {
		if pending[i].name == name {
			return pending[i].data, true, nil
		}
	}
	text, err = os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	return text, err == nil, cli.FileError(err)
}
