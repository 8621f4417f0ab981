package provisioner

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

// An object is a JSON object that keeps the order of its members, and those that
// we know nothing about.
type object []member

type member struct {
	name  string
	value json.RawMessage
}

func parseObject(raw json.RawMessage) (object, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if start, err := dec.Token(); err != nil {
		return nil, err
	} else if start != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	var o object
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		m := member{name: name.(string)} // as JSON has it, else Token fails
		if err := dec.Decode(&m.value); err != nil {
			return nil, err
		}
		o = append(o, m)
	}
	return o, nil
}

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			out.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		out.Write(name)
		out.WriteByte(':')
		out.Write(m.value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// find returns the index of a member, whose name may be in any case; -1 if there
// is none.
func (o object) find(name string) int {
	for i, m := range o {
		if strings.EqualFold(m.name, name) {
			return i
		}
	}
	return -1
}

// get returns the value at a path of names with dots between, nil if there is
// none.
func (o object) get(path string) json.RawMessage {
	name, rest, nested := strings.Cut(path, ".")
	i := o.find(name)
	if i < 0 {
		return nil
	}
	if !nested {
		return o[i].value
	}
	inner, err := parseObject(o[i].value)
	if err != nil {
		return nil
	}
	return inner.get(rest)
}

// set puts a value at a path, making the objects on the way.
func (o *object) set(path string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return o.setRaw(path, raw)
}

func (o *object) setRaw(path string, raw json.RawMessage) error {
	name, rest, nested := strings.Cut(path, ".")
	i := o.find(name)
	if nested {
		var inner object
		if i >= 0 && !bytes.Equal(o.at(i), []byte("null")) {
			var err error
			if inner, err = parseObject(o.at(i)); err != nil {
				return err
			}
		}
		if err := inner.setRaw(rest, raw); err != nil {
			return err
		}
		var err error
		if raw, err = inner.MarshalJSON(); err != nil {
			return err
		}
	}
	if i >= 0 {
		(*o)[i].value = raw
		return nil
	}
	*o = append(*o, member{name, raw})
	return nil
}

func (o *object) at(i int) json.RawMessage { return (*o)[i].value }

// remove deletes the member at a path, if it is there.
func (o *object) remove(path string) error {
	name, rest, nested := strings.Cut(path, ".")
	i := o.find(name)
	switch {
	case i < 0:
		return nil
	case !nested:
		*o = append((*o)[:i:i], (*o)[i+1:]...)
		return nil
	}
	inner, err := parseObject(o.at(i))
	if err != nil {
		return err
	}
	if err := inner.remove(rest); err != nil {
		return err
	}
	(*o)[i].value, err = inner.MarshalJSON()
	return err
}
