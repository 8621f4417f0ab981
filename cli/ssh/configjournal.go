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
	Joined  bool                `json:"joined,omitempty"`  // the line before a snippet had no end
	Line    []byte              `json:"line,omitempty"`    // that was prepended
	Hash    []byte              `json:"hash,omitempty"`    // SHA-256 of a whole file
	Earlier []byte              `json:"earlier,omitempty"` // that of the time before, which a crash may have left
	Before  []byte              `json:"before,omitempty"`  // what a whole file held first
	Existed bool                `json:"existed"`           // before the first time
}

// journalFile is the name of a journal in the directory of an authority.
var journalFile = filepath.Join("ssh", "written.json")

func journalName(env *cli.Env) string { return filepath.Join(env.Path.Dir(), journalFile) }

func readJournal(env *cli.Env) (*journal, error) { return parseJournal(journalName(env)) }

func parseJournal(name string) (*journal, error) {
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

// otherJournals are those of the other contexts, which share some files.
func otherJournals(env *cli.Env) ([]*journal, error) {
	var journals []*journal
	for _, pattern := range []string{journalFile, filepath.Join("authorities", "*", journalFile)} {
		names, err := filepath.Glob(filepath.Join(env.Path.Base, pattern))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if name == journalName(env) {
				continue
			}
			j, err := parseJournal(name)
			if err != nil {
				return nil, err
			}
			journals = append(journals, j)
		}
	}
	return journals, nil
}

func (j *journal) encode(env *cli.Env) (cli.NewFile, error) {
	data, err := json.MarshalIndent(j, "", "  ")
	return cli.NewFile{Name: journalName(env), Data: append(data, '\n'), Perm: keyfile.SecretPerm}, err
}

// save writes the journal, or removes the file of an empty one.
func (j *journal) save(env *cli.Env) error {
	if len(j.Entries) == 0 {
		return os.Remove(journalName(env))
	}
	record, err := j.encode(env)
	if err != nil {
		return err
	}
	return cli.WriteFiles(record)
}

func (j *journal) directory(path string, host bool) {
	j.add(&journalEntry{Path: path, Type: api.SSHDirectory, Host: host})
}

// file remembers that a template was merged into old, which gave text.
func (j *journal) file(t api.SSHTemplate, path string, host bool, old []byte, existed bool, text []byte) {
	e := &journalEntry{Path: path, Type: t.Type, Host: host, Existed: existed}
	switch t.Type {
	case api.SSHSnippet:
		_, _, ok := findSection(old, t.Comment)
		e.Comment, e.Joined = t.Comment, !ok && len(old) > 0 && !bytes.HasSuffix(old, []byte("\n"))
	case api.SSHPrependLine:
		e.Line = t.Content
	case api.SSHFile:
		e.Hash, e.Before = digest(text), old
	}
	j.add(e)
}

// add remembers an entry. What was there before the first time is what counts.
func (j *journal) add(e *journalEntry) {
	have := j.find(e)
	if have == nil {
		j.Entries = append(j.Entries, e)
		return
	}
	e.Existed, e.Before, e.Joined = have.Existed, have.Before, have.Joined || e.Joined
	e.Earlier = have.Hash
	if bytes.Equal(e.Hash, have.Hash) {
		e.Earlier = have.Earlier
	}
	*have = *e
}

// find returns the entry for the same piece of the same file; nil if there is
// none.
func (j *journal) find(e *journalEntry) *journalEntry {
	for _, have := range j.Entries {
		if have.Path == e.Path && have.Type == e.Type && have.Comment == e.Comment && bytes.Equal(have.Line, e.Line) {
			return have
		}
	}
	return nil
}

func digest(data []byte) []byte {
	sum := sha256.Sum256(data)
	return sum[:]
}
