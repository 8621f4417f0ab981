package ssh

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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
	case first == "":
		return "", fmt.Errorf("the certificate authority sent a template for %s, which is no path of this system", path)
	}
	return filepath.Join(env.Path.Dir(), path), nil
}

// A configPlan is what step ssh config is going to write.
type configPlan struct {
	env     *cli.Env
	host    bool // it is for sshd
	journal *journal
	places  []string // of all templates
	dirs    []string // to be made
	files   []cli.NewFile
}

// applyConfig writes all templates, or nothing, and remembers for undoConfig what
// it did. host says that they are for sshd.
func applyConfig(env *cli.Env, templates []api.SSHTemplate, host bool) error {
	j, err := readJournal(env)
	if err != nil {
		return err
	}
	p := &configPlan{env: env, host: host, journal: j}
	for _, t := range templates {
		if err := p.add(t); err != nil {
			return err
		}
	}
	if err := p.carryOut(); err != nil {
		return err
	}
	for _, place := range p.places {
		env.Noticef("✔ %s", place)
	}
	return nil
}

// add plans what a template changes.
func (p *configPlan) add(t api.SSHTemplate) error {
	place, err := templatePath(p.env, t.Path)
	if err != nil {
		return err
	}
	p.places = append(p.places, place)
	if t.Type == api.SSHDirectory {
		if _, err := os.Stat(place); err != nil {
			p.dirs = append(p.dirs, place)
			p.journal.directory(place, p.host)
		}
		return nil
	}
	t.Comment = cmp.Or(t.Comment, "#")
	old, existed, err := p.currentText(place)
	if err != nil {
		return err
	}
	text, err := merge(p.env, old, t)
	if err != nil {
		return err
	}
	p.journal.file(t, place, p.host, old, existed, text)
	if !existed || !bytes.Equal(old, text) {
		p.write(place, text, existed)
	}
	return nil
}

// write plans that a file gets a text. One that is there keeps its mode.
func (p *configPlan) write(name string, text []byte, existed bool) {
	perm := keyfile.SecretPerm
	if existed {
		perm = cli.PublicPerm
	}
	for i, f := range p.files {
		if f.Name == name {
			p.files[i].Data = text
			return
		}
	}
	p.files = append(p.files, cli.NewFile{Name: name, Data: text, Perm: perm})
}

// currentText is what is in a file, or will be after the planned writes.
func (p *configPlan) currentText(name string) (text []byte, existed bool, err error) {
	for _, f := range p.files {
		if f.Name == name {
			return f.Data, true, nil
		}
	}
	text, err = os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	return text, err == nil, cli.FileError(err)
}

// carryOut writes the record first, so that --undo knows of what a crash leaves,
// and the files from the last to the first: each names those after it.
func (p *configPlan) carryOut() error {
	record, err := p.journal.encode(p.env)
	if err != nil {
		return err
	}
	if old, err := os.ReadFile(record.Name); err == nil && bytes.Equal(old, record.Data) && len(p.files) == 0 && len(p.dirs) == 0 {
		return nil
	}
	slices.Reverse(p.files)
	var made []string
	for _, dir := range p.dirs {
		made = append(made, cli.MissingDirs(dir)...)
		if err = os.MkdirAll(dir, keyfile.DirPerm); err != nil {
			break
		}
	}
	if err == nil {
		err = cli.WriteFiles(append([]cli.NewFile{record}, p.files...)...)
	}
	if err != nil {
		for _, dir := range slices.Backward(made) {
			os.Remove(dir) //nolint:errcheck // it is empty, or not ours any more
		}
	}
	return cli.FileError(err)
}

// merge returns the text of a file with the template in it.
func merge(env *cli.Env, old []byte, t api.SSHTemplate) ([]byte, error) {
	switch t.Type {
	case api.SSHFile:
		return t.Content, nil
	case api.SSHSnippet:
		return withSection(old, t.Content, t.Comment, env.Now()), nil
	case api.SSHPrependLine:
		return withFirstLine(old, t.Content), nil
	}
	return nil, fmt.Errorf("the certificate authority sent a template of the unknown type %q", t.Type)
}
