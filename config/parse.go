package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"

	"stepca/keyfile"
)

// Load reads and parses the file; see Parse. The error is a
// *keyfile.FileError with the name of the file.
func Load(name string) (*Config, error) {
	data, err := keyfile.ReadFile(name)
	if err != nil {
		return nil, err
	}
	c, err := Parse(data)
	if err != nil {
		return nil, &keyfile.FileError{Op: "parsing", Name: name, Err: err}
	}
	c.file = name
	return c, nil
}

// Parse parses the contents of ca.json: JSON whose keys may be in any case. As
// in the reference only the first JSON value counts and unknown keys are no
// error; Check warns of both. An error says where it was found.
func Parse(data []byte) (*Config, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // byte order mark
	source, end, err := parseNode(data)
	if err != nil {
		return nil, syntaxError(data, err)
	}
	c := &Config{}
	if err := json.Unmarshal(data[:end], c); err != nil {
		return nil, misfitError(data, source, reflect.TypeFor[Config](), err)
	}
	for i, raw := range c.Authority.Provisioners {
		if _, err := peekProvisioner(raw); err != nil {
			return nil, fmt.Errorf("error unmarshaling provisioner: authority.provisioners[%d]: %w", i, err)
		}
	}
	c.source = source
	c.trailing = len(bytes.TrimSpace(data[end:])) > 0
	return c, nil
}
