package config

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"

	"stepca/keyfile"
	"stepca/template"
)

// A field is a member that a struct has in JSON.
type field struct {
	name  string
	index []int
	typ   reflect.Type
}

// fieldsOf returns the JSON members of a struct, in order.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.IsExported() && name != "" && name != "-" {
			fields = append(fields, field{name, f.Index, f.Type})
		}
	}
	return fields
}

// find returns the field that encoding/json would use for the key.
func find(fields []field, key string) (field, bool) {
	for _, f := range fields {
		if strings.EqualFold(f.name, key) {
			return f, true
		}
	}
	return field{}, false
}

var (
	secretType = reflect.TypeFor[keyfile.Secret]()
	nameType   = reflect.TypeFor[template.Name]()
)

// isOpaque reports whether values of the type say themselves what their JSON
// means, so that their members are not to be judged here.
func isOpaque(t reflect.Type) bool {
	if t == nameType { // may be a string, but as an object is one like others
		return false
	}
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// complete makes out, which is v marshalled, what is to be written: secrets in
// the clear, and the members of source that v has no field for. source is the
// JSON that v came from, or nil.
func complete(out *node, v reflect.Value, source *node) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	switch {
	case v.Type() == secretType:
		if s := v.Interface().(keyfile.Secret); !s.IsZero() {
			text, _ := encodeJSON(string(s.Reveal())) // a string always can be encoded
			out.scalar = string(text)
		}
	case isOpaque(v.Type()):
	case v.Kind() == reflect.Struct && out.kind == '{':
		completeObject(out, v, source)
	case v.Kind() == reflect.Slice && out.kind == '[' && v.Len() == len(out.items):
		for i, item := range out.items {
			complete(item, v.Index(i), source.counterpart(item, i))
		}
	}
}

func completeObject(out *node, v reflect.Value, source *node) {
	fields := fieldsOf(v.Type())
	for _, m := range out.members {
		if f, ok := find(fields, m.key); ok {
			complete(m.value, v.FieldByIndex(f.index), source.get(m.key))
		}
	}
	if source == nil {
		return
	}
	for _, m := range source.members {
		if _, ok := find(fields, m.key); !ok && out.get(m.key) == nil {
			out.members = append(out.members, m)
		}
	}
}

// counterpart returns the element of the array n that was there before item
// took position i: the one with the same name, or without names the one in the
// same place.
func (n *node) counterpart(item *node, i int) *node {
	if n == nil {
		return nil
	}
	if name := item.get("name").text(); name != "" {
		for _, old := range n.items {
			if old.get("name").text() == name {
				return old
			}
		}
		return nil
	}
	if i < len(n.items) {
		return n.items[i]
	}
	return nil
}
