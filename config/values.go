package config

import (
	"encoding/json"
	"strings"
)

// Roots is a list of files that the file has as a string or an array: it is
// written as "" if empty, as a string if it has one element.
type Roots []string

// UnmarshalJSON implements json.Unmarshaler.
func (r *Roots) UnmarshalJSON(data []byte) error {
	list, err := stringOrList(data)
	if len(list) == 1 && list[0] == "" {
		list = nil
	}
	*r = list
	return err
}

// MarshalJSON implements json.Marshaler.
func (r Roots) MarshalJSON() ([]byte, error) {
	switch len(r) {
	case 0:
		return []byte(`""`), nil
	case 1:
		return json.Marshal(r[0])
	}
	return json.Marshal([]string(r))
}

// Strings is a list that may be a string in the file, meaning a list of one. It
// is written as an array.
type Strings []string

// UnmarshalJSON implements json.Unmarshaler; null is a nil list.
func (s *Strings) UnmarshalJSON(data []byte) error {
	list, err := stringOrList(data)
	*s = list
	return err
}

// Names is a list of host names that may be a string in the file, with commas
// or spaces between names. It is written as an array.
type Names []string

// UnmarshalJSON implements json.Unmarshaler; null is a nil list.
func (n *Names) UnmarshalJSON(data []byte) error {
	list, err := stringOrList(data)
	if isString(data) && err == nil {
		list = SplitNames(list[0])
	}
	*n = list
	return err
}

// SplitNames splits a list of host names at commas and white space, and drops
// empty parts and the brackets around IPv6 addresses. It is never nil.
func SplitNames(s string) []string {
	names := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' })
	for i := range names {
		names[i] = unbracketed(names[i])
	}
	return names
}

func isString(data []byte) bool { return len(data) > 0 && data[0] == '"' }

// stringOrList parses a JSON string as a list of one, else an array of strings.
func stringOrList(data []byte) ([]string, error) {
	if isString(data) {
		one := make([]string, 1)
		return one, json.Unmarshal(data, &one[0])
	}
	var list []string
	return list, json.Unmarshal(data, &list)
}
