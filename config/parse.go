package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

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
// error; Check warns of both. An error says in which line it was found.
func Parse(data []byte) (*Config, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // byte order mark
	source, end, err := parseNode(data)
	if err != nil {
		return nil, located(data, err)
	}
	c := &Config{}
	if err := json.Unmarshal(data[:end], c); err != nil {
		return nil, located(data, err)
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

// located adds the line to errors that know their offset in data. Those of a
// value's own unmarshaler count from the value, so wrapped ones do not.
func located(data []byte, err error) error {
	offset := int64(-1)
	switch e := err.(type) {
	case *json.SyntaxError:
		offset = e.Offset
	case *json.UnmarshalTypeError:
		offset = e.Offset
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if offset < 0 || offset > int64(len(data)) {
		return err
	}
	return fmt.Errorf("%w (line %d)", err, 1+bytes.Count(data[:offset], []byte("\n")))
}
