package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// maxDepth bounds how deep objects and arrays may be nested in a file.
const maxDepth = 64

// A node is a JSON value with the order of its members kept, so that what we do
// not know can be found, named and written back.
type node struct {
	kind    byte // '{', '[' or 0 for a scalar
	members []member
	items   []*node
	scalar  string // JSON text
}

type member struct {
	key   string
	value *node
}

// get returns the member of an object by its name in any case, the last one if
// there are several, as package encoding/json does; nil if there is none.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for i := len(n.members) - 1; i >= 0; i-- {
		if strings.EqualFold(n.members[i].key, key) {
			return n.members[i].value
		}
	}
	return nil
}

// text returns the value of a JSON string, "" for anything else.
func (n *node) text() string {
	var s string
	if n != nil && isString([]byte(n.scalar)) {
		_ = json.Unmarshal([]byte(n.scalar), &s) // valid, the parser made it
	}
	return s
}

// parseNode parses the first JSON value of data and returns how many bytes it
// took.
func parseNode(data []byte) (*node, int64, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber() // numbers are written back as they were
	n, err := decodeNode(dec, 0)
	return n, dec.InputOffset(), err
}

func decodeNode(dec *json.Decoder, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch tok := tok.(type) {
	case json.Delim:
		n := &node{kind: byte(tok)}
		for dec.More() {
			if err := n.decodeElement(dec, depth); err != nil {
				return nil, err
			}
		}
		_, err := dec.Token() // the closing delimiter
		return n, err
	default:
		text, err := encodeJSON(tok)
		return &node{scalar: string(text)}, err
	}
}

// decodeElement appends the next element of an array or member of an object.
func (n *node) decodeElement(dec *json.Decoder, depth int) error {
	if n.kind == '[' {
		item, err := decodeNode(dec, depth+1)
		n.items = append(n.items, item)
		return err
	}
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	key, ok := tok.(string)
	if !ok {
		return errors.New("a key is not a string") // the decoder reports it first
	}
	value, err := decodeNode(dec, depth+1)
	n.members = append(n.members, member{key, value})
	return err
}

// appendTo appends compact JSON.
func (n *node) appendTo(out []byte) []byte {
	switch n.kind {
	case '{':
		out = append(out, '{')
		for i, m := range n.members {
			if i > 0 {
				out = append(out, ',')
			}
			key, _ := encodeJSON(m.key) // a string always can be encoded
			out = append(append(out, key...), ':')
			out = m.value.appendTo(out)
		}
		return append(out, '}')
	case '[':
		out = append(out, '[')
		for i, item := range n.items {
			if i > 0 {
				out = append(out, ',')
			}
			out = item.appendTo(out)
		}
		return append(out, ']')
	default:
		return append(out, n.scalar...)
	}
}

// encodeJSON is json.Marshal without the escapes that HTML would need.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
