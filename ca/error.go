package ca

import (
	"errors"
	"fmt"
)

// Kinds of errors. Test with errors.Is; each protocol has one table from kind to
// its own status and problem type. An error without a kind is internal, and the
// requester learns nothing of its text.
var (
	ErrMalformed          = errors.New("malformed request")
	ErrBadCSR             = errors.New("unacceptable certificate request")
	ErrBadPublicKey       = errors.New("unacceptable public key")
	ErrUnauthorized       = errors.New("unauthorized")
	ErrForbidden          = errors.New("forbidden")
	ErrRejectedIdentifier = errors.New("identifier not allowed")
	ErrNotFound           = errors.New("not found")
	ErrNotImplemented     = errors.New("not implemented")
	ErrAlreadyRevoked     = errors.New("already revoked")
	ErrTooLarge           = errors.New("too large")
	ErrRateLimited        = errors.New("too many requests")
	ErrUnavailable        = errors.New("temporarily unavailable")
)

// An Error is a failure that the requester may read about.
type Error struct {
	// Kind is one of the kinds above; nil means internal.
	Kind error

	// Detail is one clause for the requester, without a final full stop: no
	// secrets, no paths. Empty leaves the wording to the protocol, which then
	// says no more than the kind.
	Detail string

	// Cause is for the log; it may be nil and is never shown.
	Cause error

	// Identifier is the name at fault where there is one (ACME subproblems,
	// RFC 8555 §6.7.1).
	Identifier *Identifier
}

// Errorf returns an error of the given kind whose formatted text the requester
// may read. An error passed for %w becomes the Cause as well.
func Errorf(kind error, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: kind, Detail: err.Error(), Cause: errors.Unwrap(err)}
}

// Hidden returns an error of the given kind whose formatted text is for the log
// only: the requester reads the protocol's general sentence.
func Hidden(kind error, format string, args ...any) *Error {
	return &Error{Kind: kind, Cause: fmt.Errorf(format, args...)}
}

// Error implements error, for the log: it may hold more than the requester sees.
func (e *Error) Error() string {
	switch {
	case e.Detail != "" && e.Cause != nil && !errorIn(e.Detail, e.Cause):
		return e.Detail + ": " + e.Cause.Error()
	case e.Detail != "":
		return e.Detail
	case e.Cause != nil:
		return e.Cause.Error()
	case e.Kind != nil:
		return e.Kind.Error()
	}
	return "internal error"
}

// errorIn reports whether detail already ends with the text of cause, as it does
// after Errorf with %w.
func errorIn(detail string, cause error) bool {
	text := cause.Error()
	return len(detail) >= len(text) && detail[len(detail)-len(text):] == text
}

// Unwrap makes errors.Is find the kind and the cause.
func (e *Error) Unwrap() []error {
	var errs []error
	if e.Kind != nil {
		errs = append(errs, e.Kind)
	}
	if e.Cause != nil {
		errs = append(errs, e.Cause)
	}
	return errs
}
