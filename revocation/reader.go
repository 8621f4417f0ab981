package revocation

import (
	"errors"
	"io"
)

// A partsReader reads parts as if they were one.
type partsReader struct {
	parts [][]byte
	size  int64

	at     int64 // offset of the next octet in all
	part   int   // index of the part that has it
	inPart int   // its offset there
}

// Read implements io.Reader.
func (r *partsReader) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) && r.part < len(r.parts) {
		k := copy(p[n:], r.parts[r.part][r.inPart:])
		n += k
		r.at += int64(k)
		r.inPart += k
		if r.inPart == len(r.parts[r.part]) {
			r.part, r.inPart = r.part+1, 0
		}
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Seek implements io.Seeker.
func (r *partsReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, errors.New("seeking before the beginning")
	}
	r.at, r.part, r.inPart = offset, 0, 0
	for r.part < len(r.parts) && offset >= int64(len(r.parts[r.part])) {
		offset -= int64(len(r.parts[r.part]))
		r.part++
	}
	if r.part < len(r.parts) {
		r.inPart = int(offset)
	}
	return r.at, nil
}

// A lineBreaker writes lines of 64 characters, as RFC 7468 §2 wants them.
type lineBreaker struct {
	w    io.Writer
	used int
}

const pemLine = 64

// Write implements io.Writer.
func (l *lineBreaker) Write(p []byte) (int, error) {
	written := len(p)
	for len(p) > 0 {
		k := min(len(p), pemLine-l.used)
		if _, err := l.w.Write(p[:k]); err != nil {
			return 0, err
		}
		p, l.used = p[k:], l.used+k
		if l.used == pemLine {
			if err := l.end(); err != nil {
				return 0, err
			}
		}
	}
	return written, nil
}

// end ends the line that was begun.
func (l *lineBreaker) end() error {
	if l.used == 0 {
		return nil
	}
	l.used = 0
	_, err := l.w.Write([]byte("\n"))
	return err
}
