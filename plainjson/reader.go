// Package plainjson reads and writes JSON (RFC 8259) as programs mostly write it, in
// one pass over the bytes: objects with names that the caller knows, texts of
// printable ASCII, whole numbers. It takes a fraction of the time of encoding/json,
// which needs as long for a request as its certificate takes to be encoded.
//
// It is never the only reader. Whatever is out of the ordinary (a name that occurs
// twice, a \u escape, a fraction, a fault) makes it fail, and then the caller
// starts again with the decoder that decides. What it does read, it reads as that
// decoder would.
package plainjson

import (
	"bytes"
	"encoding/base64"
	"iter"
)

// Bounds on what is plain.
const (
	maxMembers = 32 // of one object
	maxDepth   = 8  // of objects and arrays in each other
	maxDigits  = 11 // of a number
)

// A Reader reads one JSON value from front to back. Once something was not plain,
// all its methods return zero values.
type Reader struct {
	data   []byte
	pos    int // of the next byte
	depth  int
	failed bool
}

// NewReader returns a Reader of data, which must not change meanwhile.
func NewReader(data []byte) *Reader { return &Reader{data: data} }

// Fail makes the Reader fail, for a caller to whom something is not plain.
func (r *Reader) Fail() { r.failed = true }

// Done reports whether all was plain and all has been read.
func (r *Reader) Done() bool {
	return r.next() == 0 && r.pos == len(r.data) && !r.failed
}

// Members yields the names of an object's members. For each, the caller has to
// read the value, with one call of a method.
func (r *Reader) Members() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var room [maxMembers][]byte
		names := room[:0]
		for more := r.open('{', '}'); more; more = r.another('}') {
			r.next()
			name, escaped := r.quoted()
			for _, other := range names {
				r.failed = r.failed || bytes.Equal(name, other)
			}
			if r.failed || escaped || len(names) == maxMembers || r.next() != ':' {
				r.failed = true
				return
			}
			names = append(names, name)
			r.pos++
			if !yield(name) {
				r.failed = true
				return
			}
		}
	}
}

// open begins an object or array and reports whether there is something in it.
func (r *Reader) open(begin, end byte) bool {
	if r.next() != begin || r.depth == maxDepth {
		r.failed = true
		return false
	}
	r.pos++
	r.depth++
	return !r.close(end)
}

// another reports whether something follows what was read in an object or array.
func (r *Reader) another(end byte) bool {
	if r.failed || r.close(end) {
		return false
	}
	if r.next() != ',' {
		r.failed = true
		return false
	}
	r.pos++
	return true
}

// close reads the end of an object or array, if it is there.
func (r *Reader) close(end byte) bool {
	if r.next() != end {
		return false
	}
	r.pos++
	r.depth--
	return true
}

// next passes over white space and returns the byte after it, 0 at the end and
// after a failure.
func (r *Reader) next() byte {
	for !r.failed && r.pos < len(r.data) {
		switch c := r.data[r.pos]; c {
		case ' ', '\t', '\r', '\n':
			r.pos++
		default:
			return c
		}
	}
	return 0
}

// quoted reads a string, which begins at the next byte, without its quotation
// marks. Escapes are left in it.
func (r *Reader) quoted() (text []byte, escaped bool) {
	if r.failed || r.pos == len(r.data) || r.data[r.pos] != '"' {
		r.failed = true
		return nil, false
	}
	for i := r.pos + 1; i < len(r.data); i++ {
		switch c := r.data[i]; {
		case c == '"':
			text = r.data[r.pos+1 : i]
			r.pos = i + 1
			return text, escaped
		case c == '\\':
			escaped = true
			i++ // which escape it is, unescape finds out
		case c < ' ' || c > '~':
			r.failed = true
			return nil, false
		}
	}
	r.failed = true
	return nil, false
}

// Text returns a string, nil for null. It may be a part of the data.
func (r *Reader) Text() []byte {
	if r.null() {
		return nil
	}
	text, escaped := r.quoted()
	if escaped {
		text = r.unescape(text)
	}
	return text
}

// String is Text as a string.
func (r *Reader) String() string { return string(r.Text()) }

// escapes are the characters that a backslash may precede, and what they stand for.
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (r *Reader) unescape(text []byte) []byte {
	plain := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' {
			i++
			if c = escapes[text[i]]; c == 0 {
				r.failed = true
				return nil
			}
		}
		plain = append(plain, c)
	}
	return plain
}

// Bytes returns what a string of standard base64 stands for, nil for null.
func (r *Reader) Bytes() []byte {
	if r.null() {
		return nil
	}
	text, escaped := r.quoted()
	if r.failed || escaped {
		r.failed = true
		return nil
	}
	data := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(data, text)
	if err != nil {
		r.failed = true
		return nil
	}
	return data[:n]
}

// Strings returns an array of strings, none of them null; nil for null.
func (r *Reader) Strings() []string {
	if r.null() {
		return nil
	}
	list := []string{}
	for more := r.open('[', ']'); more; more = r.another(']') {
		r.next()
		text, escaped := r.quoted()
		if escaped {
			text = r.unescape(text)
		}
		list = append(list, string(text))
	}
	return list
}

// IsString reports whether a string is next.
func (r *Reader) IsString() bool { return r.next() == '"' }

// Int returns a whole number with at most 11 digits.
func (r *Reader) Int() int64 {
	negative := r.next() == '-'
	if negative {
		r.pos++
	}
	begin, n := r.pos, int64(0)
	for ; r.pos < len(r.data) && !r.failed; r.pos++ {
		c := r.data[r.pos]
		if c < '0' || c > '9' {
			break
		}
		r.failed = r.pos-begin == maxDigits
		n = 10*n + int64(c-'0')
	}
	digits := r.pos - begin
	if r.failed || digits == 0 || r.data[begin] == '0' && (digits > 1 || negative) || !r.ended() {
		r.failed = true
		return 0
	}
	if negative {
		return -n
	}
	return n
}

// Bool returns true or false.
func (r *Reader) Bool() bool {
	if r.literal("true") {
		return true
	}
	if !r.literal("false") {
		r.failed = true
	}
	return false
}

// null reads null, if it is next.
func (r *Reader) null() bool { return r.literal("null") }

func (r *Reader) literal(word string) bool {
	if r.next() != word[0] || !bytes.HasPrefix(r.data[r.pos:], []byte(word)) {
		return false
	}
	r.pos += len(word)
	if !r.ended() {
		r.failed = true
	}
	return !r.failed
}

// ended reports whether a number or word ends here.
func (r *Reader) ended() bool {
	switch r.next() {
	case 0, ',', '}', ']':
		return true
	}
	return false
}

// Skip passes over a value of any kind.
func (r *Reader) Skip() {
	switch r.next() {
	case '"':
		r.Text()
	case '{':
		for range r.Members() {
			r.Skip()
		}
	case '[':
		for more := r.open('[', ']'); more; more = r.another(']') {
			r.Skip()
		}
	case 't', 'f':
		r.Bool()
	case 'n':
		if !r.null() {
			r.failed = true
		}
	default:
		r.Int()
	}
}
