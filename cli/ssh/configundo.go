package ssh

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"stepca/api"
	"stepca/cli"
	"stepca/keyfile"
)

// A journal is what step ssh config has written, to take it back.
type journal struct {
	Entries []*journalEntry `json:"entries"`
}

// A journalEntry is one place that was written to.
type journalEntry struct {
	Path    string              `json:"path"`
	Type    api.SSHTemplateType `json:"type"`
	Host    bool                `json:"host,omitempty"`    // for sshd
	Comment string              `json:"comment,omitempty"` // of a snippet
	Line    []byte              `json:"line,omitempty"`    // that was prepended
	Hash    []byte              `json:"hash,omitempty"`    // SHA-256 of a whole file
	Before  []byte              `json:"before,omitempty"`  // what a whole file held first
	Existed bool                `json:"existed"`           // before the first time
}

func journalName(env *cli.Env) string { return filepath.Join(env.Path.Dir(), "ssh", "written.json") }

func readJournal(env *cli.Env) (*journal, error) {
	name := journalName(env)
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return new(journal), nil
	}
	if err != nil {
		return nil, cli.FileError(err)
	}
	j := new(journal)
	if err := json.Unmarshal(data, j); err != nil {
		return nil, fmt.Errorf("error parsing %s: %w", name, err)
	}
	return j, nil
}

func (j *journal) encode(env *cli.Env) (newFile, error) {
	data, err := json.MarshalIndent(j, "", "  ")
	return newFile{journalName(env), append(data, '\n'), keyfile.SecretPerm}, err
}

func (j *journal) directory(path string, host bool) {
	if _, err := os.Stat(path); err != nil {
		j.add(&journalEntry{Path: path, Type: api.SSHDirectory, Host: host})
	}
}

func (j *journal) file(t api.SSHTemplate, path string, host bool, old []byte, existed bool, text []byte) {
	e := &journalEntry{Path: path, Type: t.Type, Host: host, Existed: existed}
	switch t.Type {
	case api.SSHSnippet:
		e.Comment = t.Comment
	case api.SSHPrependLine:
		e.Line = t.Content
	case api.SSHFile:
		e.Hash, e.Before = digest(text), old
	}
	j.add(e)
}

// add remembers an entry. What was there before the first time is what counts.
func (j *journal) add(e *journalEntry) {
	for i, have := range j.Entries {
		if have.Path == e.Path && have.Type == e.Type && (e.Type != api.SSHPrependLine || bytes.Equal(have.Line, e.Line)) {
			e.Existed, e.Before = have.Existed, have.Before
			j.Entries[i] = e
			return
		}
	}
	j.Entries = append(j.Entries, e)
}

func digest(data []byte) []byte {
	sum := sha256.Sum256(data)
	return sum[:]
}

// undoConfig takes back what was written, the last first; with hostOnly, what is
// for sshd.
func undoConfig(env *cli.Env, hostOnly bool) error {
	j, err := readJournal(env)
	if err != nil {
		return err
	}
	var kept []*journalEntry
	var failures []error
	for _, e := range slices.Backward(j.Entries) {
		if hostOnly && !e.Host {
			kept = append([]*journalEntry{e}, kept...)
			continue
		}
		changed, err := e.undo(env)
		switch {
		case err != nil:
			failures = append(failures, err)
			kept = append([]*journalEntry{e}, kept...)
		case changed:
			env.Noticef("✔ %s", e.Path)
		}
	}
	if len(j.Entries) == 0 {
		env.Noticef("No configuration changes were found.")
		return nil
	}
	if len(kept) == 0 {
		return errors.Join(append(failures, os.Remove(journalName(env)))...)
	}
	j.Entries = kept
	record, err := j.encode(env)
	if err == nil {
		err = writeAll([]newFile{record})
	}
	return errors.Join(append(failures, err)...)
}

// undo takes one entry back, and reports whether there was something to do.
func (e *journalEntry) undo(env *cli.Env) (changed bool, err error) {
	if e.Type == api.SSHDirectory {
		// One that somebody else uses now is not empty, and stays.
		return os.Remove(e.Path) == nil, nil
	}
	now, err := os.ReadFile(e.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, cli.FileError(err)
	}
	text := e.without(now)
	switch {
	case e.Type == api.SSHFile && !bytes.Equal(digest(now), e.Hash):
		env.Noticef("%s has changed since step wrote it, and stays as it is.", e.Path)
		return false, nil
	case !e.Existed && len(bytes.TrimSpace(text)) == 0:
		return true, os.Remove(e.Path)
	case bytes.Equal(now, text):
		return false, nil
	}
	return true, writeAll([]newFile{{e.Path, text, keyfile.SecretPerm}})
}

// without returns the text of the file without what we put into it.
func (e *journalEntry) without(text []byte) []byte {
	switch e.Type {
	case api.SSHSnippet:
		comment := e.Comment
		if comment == "" {
			comment = "#"
		}
		return withoutSection(text, comment)
	case api.SSHPrependLine:
		return withoutLine(text, e.Line)
	}
	return e.Before
}
