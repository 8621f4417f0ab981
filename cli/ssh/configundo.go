package ssh

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"slices"

	"stepca/api"
	"stepca/cli"
)

// undoConfig takes back what was written, the last first; with hostOnly, what is
// for sshd. force takes back files that were changed since, too.
func undoConfig(env *cli.Env, hostOnly, force bool) error {
	j, err := readJournal(env)
	if err != nil {
		return err
	}
	if len(j.Entries) == 0 {
		env.Noticef("No configuration changes were found.")
		return nil
	}
	others, err := otherJournals(env)
	if err != nil {
		return err
	}
	if !hostOnly {
		rememberedHosts(env).forget()
	}
	var kept []*journalEntry
	var failures []error
	for _, e := range slices.Backward(j.Entries) {
		if hostOnly && !e.Host {
			kept = append(kept, e)
			continue
		}
		if slices.ContainsFunc(others, func(other *journal) bool { return other.find(e) != nil }) {
			continue // another context needs it, and knows how to undo it
		}
		changed, err := e.undo(env, force)
		switch {
		case err != nil:
			failures = append(failures, err)
			kept = append(kept, e)
		case changed:
			env.Noticef("✔ %s", e.Path)
		}
	}
	slices.Reverse(kept)
	j.Entries = kept
	return errors.Join(append(failures, j.save(env))...)
}

// undo takes one entry back, and reports whether there was something to do.
func (e *journalEntry) undo(env *cli.Env, force bool) (changed bool, err error) {
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
	case e.Type == api.SSHFile && !force && !e.wrote(now):
		env.Noticef("%s has changed since step wrote it, and stays as it is.", e.Path)
		return false, nil
	case !e.Existed && len(bytes.TrimSpace(text)) == 0 && !isLink(e.Path):
		return true, os.Remove(e.Path)
	case bytes.Equal(now, text):
		return false, nil
	}
	return true, cli.WriteFiles(cli.NewFile{Name: e.Path, Data: text, Perm: cli.PublicPerm}) // it keeps its mode
}

// wrote reports whether we have written the whole file.
func (e *journalEntry) wrote(text []byte) bool {
	sum := digest(text)
	return bytes.Equal(sum, e.Hash) || bytes.Equal(sum, e.Earlier)
}

// isLink reports whether a symbolic link has the name. Whoever made it wants it.
func isLink(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// without returns the text of the file without what we put into it.
func (e *journalEntry) without(text []byte) []byte {
	switch e.Type {
	case api.SSHSnippet:
		return withoutSection(text, e.Comment, e.Joined)
	case api.SSHPrependLine:
		return withoutLine(text, e.Line)
	}
	return e.Before
}
