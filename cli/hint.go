package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"

	"github.com/spf13/cobra"
)

// A hintError is an error with what to do about it.
type hintError struct {
	error
	hint string
}

func (e *hintError) Unwrap() error { return e.error }

// WithHint adds a sentence about what to do to an error. It is shown on a line of
// its own, so that the error's line stays the one that scripts know. A nil error
// stays nil, and a hint that an error already has wins.
func WithHint(err error, hint string) error {
	if _, has := errors.AsType[*hintError](err); has || err == nil || hint == "" {
		return err
	}
	return &hintError{err, hint}
}

// advise adds a hint to errors that any command can have that connects to servers:
// those that are not trusted, if the command has a flag to trust them.
func advise(cmd *cobra.Command, err error) error {
	_, refused := errors.AsType[*tls.CertificateVerificationError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	if !refused || !unknown || lookupFlag(cmd, "root") == nil {
		return err
	}
	return WithHint(err, "If you trust the server, use the '--root' flag with its root certificate.")
}
