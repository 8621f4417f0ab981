package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
)

// Defaults are the values of defaults.json files: flag name without dashes →
// value as it was written. Only the first level of the object counts.
type Defaults map[string]json.RawMessage

// LoadDefaults reads a defaults.json file, which need not be there: a missing
// file is empty defaults. The error names the file.
func LoadDefaults(name string) (Defaults, error) {
	d, err := ReadDefaults(name)
	if errors.Is(err, fs.ErrNotExist) {
		return Defaults{}, nil
	}
	return d, err
}

// ReadDefaults reads a file of defaults that must be there.
func ReadDefaults(name string) (Defaults, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	d, err := ParseDefaults(b)
	if err != nil {
		return nil, fmt.Errorf("error parsing %s: %w", name, err)
	}
	return d, nil
}

// ParseDefaults parses the JSON object of a defaults.json file.
func ParseDefaults(b []byte) (Defaults, error) {
	var d Defaults
	if err := json.Unmarshal(b, &d); err != nil {
		return nil, err
	}
	if d == nil { // the file says null
		d = Defaults{}
	}
	return d, nil
}

// Overlay returns the defaults with those of top on them.
func (d Defaults) Overlay(top Defaults) Defaults {
	out := maps.Clone(d)
	maps.Copy(out, top)
	return out
}

// Without returns the defaults less the names, and which of them were there.
func (d Defaults) Without(names ...string) (rest Defaults, removed []string) {
	rest = maps.Clone(d)
	maps.DeleteFunc(rest, func(k string, _ json.RawMessage) bool { return slices.Contains(names, k) })
	for _, name := range names {
		if _, ok := d[name]; ok {
			removed = append(removed, name)
		}
	}
	return rest, removed
}

// Lookup returns the values of the first of the names that has one: one value
// for a JSON scalar (as text: true, 12, the string itself), each element for
// an array. A null is no value. An object, or one inside an array, is an error.
func (d Defaults) Lookup(names ...string) (values []string, ok bool, err error) {
	for _, name := range names {
		raw, found := d[name]
		if !found || string(raw) == "null" {
			continue
		}
		values, err = texts(raw)
		if err != nil {
			return nil, false, fmt.Errorf("value of '%s': %w", name, err)
		}
		return values, true, nil
	}
	return nil, false, nil
}

func texts(raw json.RawMessage) ([]string, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber() // a number is shown as it was written
	var v any
	if err := dec.Decode(&v); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	values := make([]string, 0, len(list))
	for _, item := range list {
		switch item.(type) {
		case string, bool, json.Number:
			values = append(values, fmt.Sprint(item))
		default:
			return nil, errors.New("must be a string, a number, true, false or a list of these")
		}
	}
	return values, nil
}

// ClientDefaults is what step ca init and step ca bootstrap write to
// defaults.json. Empty members are left out, except those every client needs.
type ClientDefaults struct {
	CAURL             string `json:"ca-url"`
	CAConfig          string `json:"ca-config,omitempty"`
	Fingerprint       string `json:"fingerprint"`
	Root              string `json:"root"`
	RedirectURL       string `json:"redirect-url,omitempty"`
	Provisioner       string `json:"provisioner,omitempty"`
	MinPasswordLength int    `json:"min-password-length,omitempty"` // characters
}
