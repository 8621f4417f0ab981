// Package storedir prepares the directory of an engine that keeps several
// files: it creates it with mode 0700, marks it as ours with the engine's name
// and format, and refuses any other directory that holds something, so that a
// database of another program is never opened, converted or overwritten.
package storedir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"stepca/kv"
)

// MarkerName is the file in a directory that says whose it is.
const MarkerName = "step-ca-store.json"

// A Marker is the content of that file.
type Marker struct {
	Engine string `json:"engine"` // name of the engine, as in the config
	Format int    `json:"format"` // version of what the engine writes; it reads all up to its own
}

// Claim makes dir a directory of the engine and format in m, creating it if it
// is missing. It returns kv.ErrForeign, and changes nothing, if dir holds
// something else.
func Claim(dir string, m Marker) error {
	if dir == "" {
		return errors.New("no directory given for the store: set dataSource")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		if errors.Is(err, fs.ErrExist) || isFile(dir) {
			return notDirectory(dir)
		}
		return fmt.Errorf("creating the directory of the store: %w", err)
	}
	found, err := read(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return claimUnmarked(dir, m)
	case err != nil:
		return err
	case found.Engine != m.Engine:
		return fmt.Errorf("%s is a store of the engine %q, not %q: set the db type to %q, or choose another dataSource: %w",
			dir, found.Engine, m.Engine, found.Engine, kv.ErrForeign)
	case found.Format > m.Format:
		return fmt.Errorf("%s was written by a newer version of this server (format %d, this one knows %d): run that version: %w",
			dir, found.Format, m.Format, kv.ErrForeign)
	}
	return nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// notDirectory says what the file is that stands where a directory should.
func notDirectory(path string) error {
	if IsBolt(path) {
		return fmt.Errorf("%s is a bbolt file: set the db type to \"bbolt\", or choose another dataSource: %w", path, kv.ErrForeign)
	}
	return fmt.Errorf("%s is a file, and this engine needs a directory: choose another dataSource", path)
}

func read(dir string) (Marker, error) {
	path := filepath.Join(dir, MarkerName)
	data, err := os.ReadFile(path)
	if err != nil {
		return Marker{}, fmt.Errorf("reading the marker of the store: %w", err)
	}
	var m Marker
	if err := json.Unmarshal(data, &m); err != nil || m.Engine == "" || m.Format < 1 {
		return Marker{}, fmt.Errorf("%s is damaged: it should look like {\"engine\":\"pebble\",\"format\":1}", path)
	}
	return m, nil
}

// claimUnmarked writes the marker into an empty directory.
func claimUnmarked(dir string, m Marker) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("reading the directory of the store: %w", err)
	}
	// lost+found is in the root of a fresh file system; the temporary file is
	// left by a crash in write.
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return e.Name() == "lost+found" || e.Name() == MarkerName+".tmp"
	})
	if len(entries) > 0 {
		return kv.Foreign(dir, Describe(dir))
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("closing the directory of the store to others: %w", err)
	}
	return write(dir, m)
}

// write puts the marker on disk, all or nothing.
func write(dir string, m Marker) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, MarkerName)
	f, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err == nil {
		_, err = f.Write(append(data, '\n'))
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err == nil {
		err = os.Rename(path+".tmp", path)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("writing the marker of the store: %w", err)
	}
	return nil
}

// Describe names what an unmarked, non-empty directory seems to hold.
func Describe(dir string) string {
	if name := describeBadger(dir); name != "" {
		return name
	}
	if exists(dir, "CURRENT") || matches(dir, "marker.manifest.*") {
		return "a LevelDB, RocksDB or Pebble database"
	}
	names := []string{}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if IsBolt(filepath.Join(dir, e.Name())) {
			return fmt.Sprintf("a bbolt file (%s)", e.Name())
		}
		if names = append(names, e.Name()); len(names) == 3 {
			break
		}
	}
	return fmt.Sprintf("%d files that are not a store (such as %s)", len(entries), strings.Join(names, ", "))
}

func exists(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

func matches(dir, pattern string) bool {
	m, _ := filepath.Glob(filepath.Join(dir, pattern))
	return len(m) > 0
}
