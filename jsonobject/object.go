// Package jsonobject reads, changes and writes JSON objects (RFC 8259) whose members
// keep their order, those that we know nothing about too: what is written back to a
// file or a server is what was read but for what was changed. It is not for objects
// that have a struct.
package jsonobject

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

// An Object is a JSON object. A name may occur twice. The zero value is an empty one.
type Object []Member

// A Member is one name and value of an object.
type Member struct {
	Name  string
	Value json.RawMessage
}

// Parse returns the object that raw begins with. Values are as they were written,
// with their spaces.
func Parse(raw []byte) (Object, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if start, err := dec.Token(); err != nil {
		return nil, err
	} else if start != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	var o Object
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		m := Member{Name: name.(string)} // as JSON has it, else Token fails
		if err := dec.Decode(&m.Value); err != nil {
			return nil, err
		}
		o = append(o, m)
	}
	_, err := dec.Token()
	return o, err
}

// MarshalJSON implements json.Marshaler. The JSON has no spaces. The error is that of
// a value which is no JSON.
func (o Object) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			out.WriteByte(',')
		}
		name, err := json.Marshal(m.Name)
		if err != nil {
			return nil, err
		}
		out.Write(name)
		out.WriteByte(':')
		if err := json.Compact(&out, m.Value); err != nil {
			return nil, err
		}
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// find returns the index of a member, whose name may be in any case; -1 if there
// is none.
func (o Object) find(name string) int {
	for i, m := range o {
		if strings.EqualFold(m.Name, name) {
			return i
		}
	}
	return -1
}

// Get returns the value at a path of names with dots between, nil if there is
// none.
func (o Object) Get(path string) json.RawMessage {
	name, rest, nested := strings.Cut(path, ".")
	i := o.find(name)
	if i < 0 {
		return nil
	}
	if !nested {
		return o[i].Value
	}
	inner, err := Parse(o[i].Value)
	if err != nil {
		return nil
	}
	return inner.Get(rest)
}

// Set puts the JSON of a value at a path, making the objects on the way. The error is
// that of a value which has no JSON, or of a member on the way which is no object.
func (o *Object) Set(path string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return o.SetRaw(path, raw)
}

// SetRaw is Set for a value that is JSON.
func (o *Object) SetRaw(path string, raw json.RawMessage) error {
	name, rest, nested := strings.Cut(path, ".")
	i := o.find(name)
	if nested {
		var inner Object
		if i >= 0 && !bytes.Equal(o.at(i), []byte("null")) {
			var err error
			if inner, err = Parse(o.at(i)); err != nil {
				return err
			}
		}
		if err := inner.SetRaw(rest, raw); err != nil {
			return err
		}
		var err error
		if raw, err = inner.MarshalJSON(); err != nil {
			return err
		}
	}
	if i >= 0 {
		(*o)[i].Value = raw
		return nil
	}
	*o = append(*o, Member{name, raw})
	return nil
}

func (o *Object) at(i int) json.RawMessage { return (*o)[i].Value }

// Remove deletes the member at a path, if it is there. The error is that of a member
// on the way which is no object.
func (o *Object) Remove(path string) error {
	name, rest, nested := strings.Cut(path, ".")
	i := o.find(name)
	switch {
	case i < 0:
		return nil
	case !nested:
		*o = append((*o)[:i:i], (*o)[i+1:]...)
		return nil
	}
	inner, err := Parse(o.at(i))
	if err != nil {
		return err
	}
	if err := inner.Remove(rest); err != nil {
		return err
	}
	(*o)[i].Value, err = inner.MarshalJSON()
	return err
}
