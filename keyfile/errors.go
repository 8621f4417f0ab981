package keyfile

import (
	"crypto/x509"
	"errors"
	"fmt"
)

// Errors that callers decide upon, found with errors.Is.
var (
	// ErrPassword: the password given for an encrypted key was wrong.
	ErrPassword error = x509.IncorrectPasswordError

	// ErrPasswordNeeded: the key is encrypted and there was nobody to ask.
	ErrPasswordNeeded = errors.New("the key is encrypted and no password was given")

	// ErrMismatch: a certificate and a private key do not belong together.
	ErrMismatch = errors.New("certificate and private key do not match")
)

// A FileError says what could not be done with which file. Its text is that of
// the reference, "error decoding FILE: …", because scripts look for it.
type FileError struct {
	Op   string // "reading", "decoding", "decrypting", "parsing" or "writing"
	Name string // the file, as the caller named it
	Err  error  // why
}

// Error implements error.
func (e *FileError) Error() string { return fmt.Sprintf("error %s %s: %v", e.Op, e.Name, e.Err) }

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

func decodingError(name, format string, args ...any) error {
	return &FileError{Op: "decoding", Name: name, Err: fmt.Errorf(format, args...)}
}

func parsingError(name, format string, args ...any) error {
	return &FileError{Op: "parsing", Name: name, Err: fmt.Errorf(format, args...)}
}
