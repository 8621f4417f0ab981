package provisioner

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"stepca/jsonobject"
)

// A FieldError is a fault of one member of a provisioner's JSON.
type FieldError struct {
	Path string // names with dots between, as in "options.x509.template"
	Err  error
}

// Error returns the path and what is wrong there.
func (e *FieldError) Error() string {
	if e.Path == "" {
		return e.Err.Error()
	}
	return e.Path + ": " + e.Err.Error()
}

// Unwrap returns what is wrong.
func (e *FieldError) Unwrap() error { return e.Err }

// decode fills dst, a pointer to a struct, and returns the members that it has
// no field for. Errors are of type FieldError.
func decode(raw json.RawMessage, dst any) ([]unknownMember, error) {
	typ := reflect.TypeOf(dst).Elem()
	if err := json.Unmarshal(raw, dst); err != nil {
		path, fault := findFault(raw, typ)
		if fault == nil { // a fault of the whole that no part has
			fault = err
		}
		return nil, &FieldError{strings.Join(path, "."), fault}
	}
	var unknown []unknownMember
	findUnknown(raw, typ, nil, &unknown)
	return unknown, nil
}

// findFault looks for the innermost member that does not decode.
func findFault(raw json.RawMessage, typ reflect.Type) (path []string, fault error) {
	fault = json.Unmarshal(raw, reflect.New(typ).Interface())
	if fault == nil {
		return nil, nil
	}
	eachPart(raw, typ, func(name string, value json.RawMessage, part reflect.Type) {
		if part == nil || path != nil {
			return
		}
		if inner, err := findFault(value, part); err != nil {
			path, fault = append([]string{name}, inner...), err
		}
	})
	return path, fault
}

// An unknownMember is one that no field of ours holds. It is written back where
// it was.
type unknownMember struct {
	parent []string // names of the objects around it; an index for an array
	jsonobject.Member
}

// path returns the member's place, with dots.
func (m unknownMember) path() string {
	return strings.Join(append(m.parent[:len(m.parent):len(m.parent)], m.Name), ".")
}

// findUnknown appends the members of raw that typ has no field for.
func findUnknown(raw json.RawMessage, typ reflect.Type, parent []string, found *[]unknownMember) {
	eachPart(raw, typ, func(name string, value json.RawMessage, part reflect.Type) {
		if part == nil {
			*found = append(*found, unknownMember{parent, jsonobject.Member{Name: name, Value: value}})
			return
		}
		findUnknown(value, part, append(parent[:len(parent):len(parent)], name), found)
	})
}

// eachPart calls f for each member of an object that is decoded to a struct, or to a
// map of pointers to such, and for each element of an array of such. The type of a member without a field is
// nil. Types that decode themselves have no parts.
func eachPart(raw json.RawMessage, typ reflect.Type, f func(name string, value json.RawMessage, part reflect.Type)) {
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if reflect.PointerTo(typ).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return
	}
	switch typ.Kind() {
	case reflect.Struct:
		members, err := jsonobject.Parse(raw)
		if err != nil {
			return
		}
		for _, m := range members {
			f(m.Name, m.Value, fieldType(typ, m.Name))
		}
	case reflect.Map:
		members, err := jsonobject.Parse(raw)
		if err != nil || typ.Elem().Kind() != reflect.Pointer {
			return
		}
		for _, m := range members {
			f(m.Name, m.Value, typ.Elem())
		}
	case reflect.Slice:
		var elements []json.RawMessage
		if typ.Elem().Kind() == reflect.Uint8 || json.Unmarshal(raw, &elements) != nil {
			return
		}
		for i, e := range elements {
			f(strconv.Itoa(i), e, typ.Elem())
		}
	}
}

// fieldType returns the type of the field that encoding/json puts a member in,
// nil if there is none.
func fieldType(typ reflect.Type, name string) reflect.Type {
	for i := range typ.NumField() {
		f := typ.Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && tag == "":
			if inner := fieldType(f.Type, name); inner != nil {
				return inner
			}
		case f.IsExported() && tag != "-" && strings.EqualFold(tag, name):
			return f.Type
		}
	}
	return nil
}

// marshal returns the JSON of plain, a provisioner without its MarshalJSON, with
// the unknown members at the end of the objects they were in.
func (n *Named) marshal(plain any) ([]byte, error) {
	out, err := json.Marshal(plain)
	if err != nil {
		return nil, fmt.Errorf("encoding provisioner %q: %w", n.Name, err)
	}
	for _, m := range n.unknown {
		if out, err = insertMember(out, m.parent, m.Member); err != nil {
			return nil, fmt.Errorf("encoding provisioner %q: %w", n.Name, err)
		}
	}
	return out, nil
}

// insertMember adds a member to the object at a path. Where that object is not
// there any more, the member is gone with it.
func insertMember(raw json.RawMessage, path []string, m jsonobject.Member) (json.RawMessage, error) {
	var elements []json.RawMessage
	if len(path) > 0 && json.Unmarshal(raw, &elements) == nil {
		i, err := strconv.Atoi(path[0])
		if err != nil || i >= len(elements) {
			return raw, nil
		}
		if elements[i], err = insertMember(elements[i], path[1:], m); err != nil {
			return nil, err
		}
		return json.Marshal(elements)
	}
	members, err := jsonobject.Parse(raw)
	if err != nil {
		return raw, nil
	}
	if len(path) == 0 {
		return append(members, m).MarshalJSON()
	}
	exact := slices.ContainsFunc(members, func(m jsonobject.Member) bool { return m.Name == path[0] })
	for i := range members {
		if members[i].Name == path[0] || (!exact && strings.EqualFold(members[i].Name, path[0])) {
			if members[i].Value, err = insertMember(members[i].Value, path[1:], m); err != nil {
				return nil, err
			}
		}
	}
	return members.MarshalJSON()
}
