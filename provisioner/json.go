package provisioner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
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

// A member is one name and value of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// parseObject returns the members of a JSON object in their order.
func parseObject(raw []byte) ([]member, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	open, err := dec.Token()
	if err != nil {
		return nil, err
	}
	if open != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	var members []member
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		m := member{name: name.(string)} // as JSON has it, else Token fails
		if err := dec.Decode(&m.value); err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	_, err = dec.Token()
	return members, err
}

// encodeObject returns the JSON object with those members.
func encodeObject(members []member) (json.RawMessage, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, m := range members {
		if i > 0 {
			out.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		out.Write(name)
		out.WriteByte(':')
		if err := json.Compact(&out, m.value); err != nil {
			return nil, err
		}
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

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
	member
}

// path returns the member's place, with dots.
func (m unknownMember) path() string {
	return strings.Join(append(m.parent[:len(m.parent):len(m.parent)], m.name), ".")
}

// findUnknown appends the members of raw that typ has no field for.
func findUnknown(raw json.RawMessage, typ reflect.Type, parent []string, found *[]unknownMember) {
	eachPart(raw, typ, func(name string, value json.RawMessage, part reflect.Type) {
		if part == nil {
			*found = append(*found, unknownMember{parent, member{name, value}})
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
		members, err := parseObject(raw)
		if err != nil {
			return
		}
		for _, m := range members {
			f(m.name, m.value, fieldType(typ, m.name))
		}
	case reflect.Map:
		members, err := parseObject(raw)
		if err != nil || typ.Elem().Kind() != reflect.Pointer {
			return
		}
		for _, m := range members {
			f(m.name, m.value, typ.Elem())
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
		if out, err = insertMember(out, m.parent, m.member); err != nil {
			return nil, fmt.Errorf("encoding provisioner %q: %w", n.Name, err)
		}
	}
	return out, nil
}

// insertMember adds a member to the object at a path. Where that object is not
// there any more, the member is gone with it.
func insertMember(raw json.RawMessage, path []string, m member) (json.RawMessage, error) {
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
	members, err := parseObject(raw)
	if err != nil {
		return raw, nil
	}
	if len(path) == 0 {
		return encodeObject(append(members, m))
	}
	exact := slices.ContainsFunc(members, func(m member) bool { return m.name == path[0] })
	for i := range members {
		if members[i].name == path[0] || (!exact && strings.EqualFold(members[i].name, path[0])) {
			if members[i].value, err = insertMember(members[i].value, path[1:], m); err != nil {
				return nil, err
			}
		}
	}
	return encodeObject(members)
}
