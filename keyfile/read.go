package keyfile

import (
	"bytes"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"unicode/utf16"
)

// MaxFileSize is the largest file that is read, in bytes. A bundle of all the
// roots a browser trusts is a fortieth of it.
const MaxFileSize = 16 << 20

// ReadFile reads a file once from start to end, at most MaxFileSize bytes.
// Unlike os.ReadFile it does not ask for the size first.
func ReadFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, &FileError{Op: "reading", Name: name, Err: err}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxFileSize+1))
	if err != nil {
		return nil, &FileError{Op: "reading", Name: name, Err: err}
	}
	if len(data) > MaxFileSize {
		return nil, &FileError{Op: "reading", Name: name, Err: fmt.Errorf("larger than %d bytes", MaxFileSize)}
	}
	return data, nil
}

// withoutBOM returns text as UTF-8 without a byte order mark. PowerShell's >
// writes UTF-16. DER never starts like a mark, so it passes unchanged.
func withoutBOM(data []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte{0xEF, 0xBB, 0xBF}):
		return data[3:]
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}):
		order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		order = binary.BigEndian
	default:
		return data
	}
	units := make([]uint16, 0, len(data)/2)
	for data = data[2:]; len(data) >= 2; data = data[2:] {
		units = append(units, order.Uint16(data))
	}
	return []byte(string(utf16.Decode(units)))
}

var pemBegin = []byte("-----BEGIN ")

// isPEM reports whether there is the start of a PEM block in data.
func isPEM(data []byte) bool { return bytes.Contains(data, pemBegin) }

// blocks returns the PEM blocks of data with any text around them left out.
// encoding/pem passes over a block that is cut short or damaged as if it were
// text; here it is an error, because a bundle that lost a certificate in
// silence breaks later and elsewhere.
func blocks(name string, data []byte) ([]*pem.Block, error) {
	var found []*pem.Block
	for rest := data; ; {
		block, after := pem.Decode(rest)
		if block == nil {
			break
		}
		found = append(found, block)
		rest = after
	}
	begun := bytes.Count(data, append([]byte("\n"), pemBegin...))
	if bytes.HasPrefix(data, pemBegin) {
		begun++
	}
	switch {
	case len(found) == 0:
		return nil, decodingError(name, "not a valid PEM encoded block")
	case begun > len(found):
		return nil, decodingError(name, "PEM block %d of %d is cut short or damaged", firstDamaged(data), begun)
	}
	return found, nil
}

// firstDamaged returns the number, from 1, of the first block of data that
// does not decode on its own.
func firstDamaged(data []byte) int {
	n := 0
	for start := bytes.Index(data, pemBegin); start >= 0; {
		n++
		one := data[start:]
		next := bytes.Index(one[1:], pemBegin)
		if next >= 0 {
			one = one[:next+1]
		}
		if block, _ := pem.Decode(one); block == nil || next < 0 {
			return n
		}
		start += next + 1
	}
	return n
}
