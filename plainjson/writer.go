package plainjson

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"
)

// A Writer writes a JSON object member by member, byte for byte as encoding/json
// writes a struct with these members. The zero value is ready to write.
type Writer struct {
	data []byte
	err  error
}

// Grow makes room for n more bytes, so that they are written without copying those
// before them.
func (w *Writer) Grow(n int) { w.data = slices.Grow(w.data, n) }

// Open begins an object or array, with '{' or '['.
func (w *Writer) Open(c byte) {
	w.comma()
	w.data = append(w.data, c)
}

// Close ends it, with '}' or ']'.
func (w *Writer) Close(c byte) { w.data = append(w.data, c) }

// comma separates what follows from what was written before it.
func (w *Writer) comma() {
	if len(w.data) == 0 {
		return
	}
	switch w.data[len(w.data)-1] {
	case '{', '[', ':':
	default:
		w.data = append(w.data, ',')
	}
}

// Name begins a member, whose value has to follow. The name is plain.
func (w *Writer) Name(name string) {
	w.comma()
	w.data = append(w.data, '"')
	w.data = append(w.data, name...)
	w.data = append(w.data, '"', ':')
}

// String writes a text.
func (w *Writer) String(s string) {
	w.comma()
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, err := json.Marshal(s)
			w.fail(err)
			w.data = append(w.data, quoted...)
			return
		}
	}
	w.data = append(w.data, '"')
	w.data = append(w.data, s...)
	w.data = append(w.data, '"')
}

// Text writes a member that is a text.
func (w *Writer) Text(name, s string) {
	w.Name(name)
	w.String(s)
}

// TextIfAny is Text unless there is none: omitempty.
func (w *Writer) TextIfAny(name, s string) {
	if s != "" {
		w.Text(name, s)
	}
}

// Texts writes a member that is an array of texts.
func (w *Writer) Texts(name string, list []string) {
	w.Name(name)
	w.Open('[')
	for _, s := range list {
		w.String(s)
	}
	w.Close(']')
}

// Time writes a member that is a time (RFC 3339).
func (w *Writer) Time(name string, t time.Time) {
	w.Name(name)
	var err error
	w.data = append(w.data, '"')
	w.data, err = t.AppendText(w.data)
	w.fail(err)
	w.data = append(w.data, '"')
}

// Bytes writes a member that is octets, in base64 (RFC 4648 §4); nil is null.
func (w *Writer) Bytes(name string, b []byte) {
	w.Name(name)
	if b == nil {
		w.data = append(w.data, "null"...)
		return
	}
	w.data = append(w.data, '"')
	w.data = base64.StdEncoding.AppendEncode(w.data, b)
	w.data = append(w.data, '"')
}

// JSON writes a member whose value encoding/json has written; nil is null.
func (w *Writer) JSON(name string, value []byte) {
	w.Name(name)
	if value == nil {
		w.data = append(w.data, "null"...)
		return
	}
	w.data = append(w.data, value...)
}

func (w *Writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// Done returns what was written. The error is that of a time which RFC 3339 has
// no form for.
func (w *Writer) Done() ([]byte, error) { return w.data, w.err }
