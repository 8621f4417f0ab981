package storedir

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
)

// head returns up to n bytes from the start of a file; fewer if it is short or
// cannot be read.
func head(path string, n int) []byte {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	buf := make([]byte, n)
	got, _ := io.ReadFull(f, buf)
	return buf[:got]
}

// IsBolt reports whether path is a bbolt file: its first page is a meta page,
// with a magic number behind the page header of 16 bytes.
func IsBolt(path string) bool {
	const magic = 0xED0CDAED
	h := head(path, 20)
	return len(h) == 20 && (binary.LittleEndian.Uint32(h[16:]) == magic || binary.BigEndian.Uint32(h[16:]) == magic)
}

// describeBadger names the Badger database in dir, or returns "". The MANIFEST
// of every version begins with "Bdgr" and a big-endian version: up to 4 in
// Badger 1.x, 7 in 2.x, and since 3.x 8, of which the upper half is the
// application's. Directories of 2.x have a KEYREGISTRY, those of 1.x do not.
func describeBadger(dir string) string {
	h := head(filepath.Join(dir, "MANIFEST"), 8)
	if len(h) < 8 || !bytes.HasPrefix(h, []byte("Bdgr")) {
		if matches(dir, "*.vlog") {
			return "value logs of a Badger database"
		}
		return ""
	}
	version := binary.BigEndian.Uint16(h[6:])
	switch {
	case !exists(dir, "KEYREGISTRY"):
		return "a Badger 1.x database (MANIFEST, no KEYREGISTRY)"
	case version <= 7:
		return "a Badger 2.x database (MANIFEST, KEYREGISTRY)"
	default:
		return "a Badger database of version 3 or later without this server's " + MarkerName
	}
}
