package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
)

// misfitError says in people's words why encoding/json cannot read n, which is in
// data, as a value of type t: where in the file, and what should be there.
func misfitError(data []byte, n *node, t reflect.Type, err error) error {
	at, t := misfit(n, t, "")
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && err == error(wrong) {
		where := ""
		if !isOpaque(t) { // else the offset counts from the value
			where = line(data, wrong.Offset)
		}
		err = fmt.Errorf("%s stands where %s belongs%s", jsonValue(wrong.Value), jsonKind(wrong.Type), where)
	}
	if at != "" {
		err = fmt.Errorf("%s: %w", at, err)
	}
	return err
}

// misfit returns the path, and the type, of the innermost value that cannot be read,
// of a value n that cannot be read as a t.
func misfit(n *node, t reflect.Type, at string) (string, reflect.Type) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case isOpaque(t):
	case t.Kind() == reflect.Struct && n.kind == '{':
		fields := fieldsOf(t)
		for _, m := range n.members {
			if f, ok := find(fields, m.key); ok && !fits(m.value, f.typ) {
				return misfit(m.value, f.typ, join(at, f.name))
			}
		}
	case t.Kind() == reflect.Slice && n.kind == '[':
		for i, item := range n.items {
			if !fits(item, t.Elem()) {
				return misfit(item, t.Elem(), index(at, i))
			}
		}
	}
	return at, t
}

// fits reports whether n can be read as a t.
func fits(n *node, t reflect.Type) bool {
	return json.Unmarshal(n.appendTo(nil), reflect.New(t).Interface()) == nil
}

// jsonValue names the values of json.UnmarshalTypeError.
func jsonValue(value string) string {
	switch value {
	case "number", "string":
		return "a " + value
	case "object":
		return "an object"
	case "array":
		return "a list"
	case "bool":
		return "true or false"
	}
	return value // a number that is too large, with its digits
}

// jsonKind names the JSON values that a type has.
func jsonKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice, reflect.Array:
		return "a list"
	}
	return "a number"
}

// syntaxError adds the line to errors that know it.
func syntaxError(data []byte, err error) error {
	if wrong, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("%w%s", err, line(data, wrong.Offset))
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: the file ends in the middle%s", io.ErrUnexpectedEOF, line(data, int64(len(data))))
	}
	return err
}

// line returns in which line of data an offset is, in brackets.
func line(data []byte, offset int64) string {
	if offset < 0 || offset > int64(len(data)) {
		return ""
	}
	return fmt.Sprintf(" (line %d)", 1+bytes.Count(data[:offset], []byte("\n")))
}
