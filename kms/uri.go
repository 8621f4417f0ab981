package kms

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"

	"stepca/keyfile"
)

// A URI names a key manager or an object in it:
//
//	scheme:name=value;name=value?name=value&name=value
//
// Values are percent-encoded. An attribute is looked up before the question
// mark first. What follows the scheme need not be attributes at all:
// softkms:ca.key, cloudkms:projects/….
type URI struct {
	Scheme string // in lower case
	Opaque string // all between the scheme and the question mark, as it was given

	raw               string
	attributes, query []attribute
}

type attribute struct{ name, value string }

// ParseURI parses a URI of a key manager.
func ParseURI(s string) (*URI, error) {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || scheme == "" {
		return nil, fmt.Errorf("error parsing %s: scheme is missing", redactPIN(s))
	}
	opaque, query, _ := strings.Cut(rest, "?")
	u := &URI{Scheme: strings.ToLower(scheme), Opaque: opaque, raw: s}
	var err error
	if u.attributes, err = parseAttributes(opaque, ";"); err == nil {
		u.query, err = parseAttributes(query, "&")
	}
	if err != nil {
		return nil, fmt.Errorf("error parsing %s: %w", redactPIN(s), err)
	}
	return u, nil
}

// parseAttributes parses name=value pairs. A name alone has an empty value.
func parseAttributes(s, separator string) ([]attribute, error) {
	var list []attribute
	for part := range strings.SplitSeq(s, separator) {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		value, err := url.PathUnescape(value)
		if err != nil {
			return nil, fmt.Errorf("the value of attribute %q is not percent-encoded", name)
		}
		list = append(list, attribute{name, value})
	}
	return list, nil
}

// Has reports whether the attribute is there, if only with an empty value.
func (u *URI) Has(name string) bool {
	_, ok := u.lookup(name)
	return ok
}

// Get returns the value of an attribute, or "".
func (u *URI) Get(name string) string {
	value, _ := u.lookup(name)
	return value
}

func (u *URI) lookup(name string) (string, bool) {
	for _, list := range [][]attribute{u.attributes, u.query} {
		for _, a := range list {
			if a.name == name {
				return a.value, true
			}
		}
	}
	return "", false
}

// Bool reports whether an attribute is "true", in any case.
func (u *URI) Bool(name string) bool { return strings.EqualFold(u.Get(name), "true") }

// Bytes returns the value of an attribute in hex, with or without 0x and colons;
// an odd number of digits gets a zero in front. It is nil if there is no such
// attribute.
func (u *URI) Bytes(name string) ([]byte, error) {
	value, ok := u.lookup(name)
	if !ok {
		return nil, nil
	}
	digits := strings.ReplaceAll(strings.TrimPrefix(strings.ToLower(value), "0x"), ":", "")
	if len(digits)%2 == 1 {
		digits = "0" + digits
	}
	b, err := hex.DecodeString(digits)
	if err != nil {
		return nil, fmt.Errorf("error parsing %s: attribute %s is not hexadecimal", u, name)
	}
	return b, nil
}

// PIN returns the PIN or password that the URI has: the value of pin-value, the
// contents of the file pin-source without white space at its end, or with
// pin-prompt what ask answers. It is the zero Secret if the URI has none.
func (u *URI) PIN(ask func(prompt string) ([]byte, error)) (keyfile.Secret, error) {
	if value := u.Get("pin-value"); value != "" {
		return keyfile.NewSecret([]byte(value)), nil
	}
	if source := u.Get("pin-source"); source != "" {
		pin, err := keyfile.LoadPassword(filePath(source))
		if err != nil {
			return keyfile.Secret{}, err
		}
		return keyfile.NewSecret(pin), nil
	}
	prompt, ok := u.lookup("pin-prompt")
	if !ok {
		return keyfile.Secret{}, nil
	}
	if prompt == "" {
		prompt = "Please enter the PIN of " + u.String()
	}
	if ask == nil {
		return keyfile.Secret{}, fmt.Errorf("%s asks for a PIN, and there is nobody to ask", u)
	}
	pin, err := ask(prompt)
	if err != nil {
		return keyfile.Secret{}, err
	}
	return keyfile.NewSecret(pin), nil
}

// filePath returns the path of a file: URL, and any other string as it is.
func filePath(source string) string {
	if len(source) < len("file:") || !strings.EqualFold(source[:len("file:")], "file:") {
		return source
	}
	u, err := url.Parse(source)
	switch {
	case err != nil:
		return source
	case u.Opaque != "":
		return u.Opaque
	default:
		return u.Path
	}
}

// String returns the URI for logs and errors: as it was given, without the value
// of pin-value and all that comes after.
func (u *URI) String() string { return redactPIN(u.raw) }

func redactPIN(s string) string {
	const name = "pin-value="
	if i := strings.Index(s, name); i >= 0 {
		return s[:i+len(name)] + "[redacted]"
	}
	return s
}
