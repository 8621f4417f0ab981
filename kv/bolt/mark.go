package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"go.etcd.io/bbolt"

	"stepca/kv"
	"stepca/kv/storedir"
)

// markBucket marks a file as ours. No bucket of kv can have its name.
var (
	markBucket = []byte("Step-CA")
	formatKey  = []byte("format")
)

// mark writes the mark into a new file.
func mark(db *bbolt.DB) error {
	marked := false
	if err := db.View(func(tx *bbolt.Tx) error { marked = tx.Bucket(markBucket) != nil; return nil }); err != nil || marked {
		return err
	}
	return db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket(markBucket)
		if err != nil {
			return err
		}
		return b.Put(formatKey, []byte(strconv.Itoa(Format)))
	})
}

// inspect returns an error unless the file is absent, empty or a store of ours.
// It changes nothing, as opening a bbolt file for writing could.
func inspect(opts Options) error {
	info, err := os.Stat(opts.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("opening the store: %w", err)
	case info.IsDir():
		return notFile(opts.Path)
	case info.Size() == 0:
		return nil
	case !storedir.IsBolt(opts.Path):
		return kv.Foreign(opts.Path, "something that is not a bbolt database")
	}
	o := settings(opts)
	o.ReadOnly = true
	db, err := bbolt.Open(opts.Path, 0o600, o)
	if err != nil {
		return openError(opts.Path, err)
	}
	defer db.Close()
	return db.View(func(tx *bbolt.Tx) error { return checkMark(opts.Path, tx) })
}

// notFile says what is in the directory that stands where the file should.
func notFile(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil || len(entries) == 0 {
		return fmt.Errorf("%s is a directory, and the bbolt engine needs a file: set dataSource to a path such as %s/step-ca.db", path, path)
	}
	return kv.Foreign(path, storedir.Describe(path))
}

func checkMark(path string, tx *bbolt.Tx) error {
	b := tx.Bucket(markBucket)
	if b == nil {
		names := bucketNames(tx)
		if len(names) == 0 {
			return nil // made by bbolt and never used
		}
		return kv.Foreign(path, "a bbolt database of another program, with the buckets "+strings.Join(names, ", "))
	}
	format, err := strconv.Atoi(string(b.Get(formatKey)))
	if err != nil || format < 1 {
		return fmt.Errorf("%s is damaged: its format is %q", path, b.Get(formatKey))
	}
	if format > Format {
		return fmt.Errorf("%s was written by a newer version of this server (format %d, this one knows %d): run that version: %w",
			path, format, Format, kv.ErrForeign)
	}
	return nil
}

// bucketNames returns the first few top-level buckets, those that tell most
// about a CA's database before others.
func bucketNames(tx *bbolt.Tx) []string {
	var telling, others []string
	_ = tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
		if slices.Contains([]string{"x509_certs", "used_ott", "revoked_x509_certs"}, string(name)) {
			telling = append(telling, string(name))
		} else {
			others = append(others, strconv.QuoteToASCII(string(name)))
		}
		return nil
	})
	names := append(telling, others...)
	if len(names) > 4 {
		names = append(names[:4], "…")
	}
	return names
}
