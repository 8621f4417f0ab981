package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"reflect"

	"stepca/keyfile"
)

// FilePerm is the mode of a new ca.json. Compatible: it can be read by all, as
// the keys it names and holds are encrypted.
const FilePerm fs.FileMode = 0o644

// Encode returns the content of the file: indented with tabs, without a newline
// at the end, keys in the order of Config, secrets in the clear, and the unknown
// keys of what was parsed after the known ones.
func (c *Config) Encode() ([]byte, error) {
	data, err := encodeJSON(c)
	if err != nil {
		return nil, fmt.Errorf("encoding the configuration: %w", err)
	}
	out, _, err := parseNode(data)
	if err != nil {
		return nil, fmt.Errorf("encoding the configuration: %w", err)
	}
	complete(out, reflect.ValueOf(c), c.source)
	if list := out.get("authority").get("provisioners"); list != nil {
		for _, p := range list.items {
			sortProvisioner(p)
		}
	}
	var b bytes.Buffer
	err = json.Indent(&b, out.appendTo(nil), "", "\t")
	return b.Bytes(), err
}

// Save writes the file as a whole or not at all. A file that is there keeps its
// mode, but one with the password of the keys is not left open to others.
func (c *Config) Save(name string) error {
	data, err := c.Encode()
	if err != nil {
		return err
	}
	perm := FilePerm
	if !c.Password.IsZero() {
		perm = keyfile.SecretPerm
	}
	return keyfile.WriteFile(name, data, perm)
}
