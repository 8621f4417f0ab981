package keyfile

import (
	"bytes"
	"errors"
	"sync"
	"unicode"
)

// TerminalAttempts is how often a person at a terminal may try a password.
const TerminalAttempts = 3

// A Password supplies the password of an encrypted key, when one turns out to
// be needed. The zero value has none: reading an encrypted key is then
// ErrPasswordNeeded.
type Password struct {
	// Ask returns the password. The prompt is a sentence without punctuation
	// at its end, such as "Please enter the password to decrypt ca.key".
	// A nil password with a nil error counts as an empty password.
	Ask func(prompt string) ([]byte, error)

	// Attempts is how often Ask is called while its answers are wrong; zero
	// means once. A person gets TerminalAttempts, a file has nothing to add.
	Attempts int
}

// FixedPassword returns a Password that always answers with a copy of value.
func FixedPassword(value []byte) Password {
	value = bytes.Clone(value)
	return Password{Ask: func(string) ([]byte, error) { return value, nil }}
}

// PasswordFile returns a Password that reads the file when it is first asked,
// as LoadPassword does, and answers the same ever after.
func PasswordFile(name string) Password {
	load := sync.OnceValues(func() ([]byte, error) { return LoadPassword(name) })
	return Password{Ask: func(string) ([]byte, error) { return load() }}
}

// LoadPassword reads a password from a file: all of it, without the white space
// at its end. The result of an empty file is empty and not nil.
func LoadPassword(name string) ([]byte, error) {
	data, err := ReadFile(name)
	if err != nil {
		return nil, err
	}
	return append([]byte{}, bytes.TrimRightFunc(data, unicode.IsSpace)...), nil
}

// decrypt calls open with passwords until one is right or the attempts are used
// up. Only ErrPassword leads to another attempt.
func (p Password) decrypt(name string, open func(password []byte) error) error {
	if p.Ask == nil {
		return &FileError{Op: "decrypting", Name: name, Err: ErrPasswordNeeded}
	}
	var err error
	for range max(p.Attempts, 1) {
		var password []byte
		if password, err = p.Ask("Please enter the password to decrypt " + name); err != nil {
			return err
		}
		if err = open(password); !errors.Is(err, ErrPassword) {
			break
		}
	}
	if err != nil {
		return &FileError{Op: "decrypting", Name: name, Err: err}
	}
	return nil
}
