package api

import (
	"fmt"
	"net/http"
)

// An Error is the body of every refusal, and in package client the error that a
// refusal becomes.
type Error struct {
	Status  int    `json:"status"`  // HTTP status code
	Message string `json:"message"` // for the requester

	// RequestID is the ID under which the CA logged the request; it travels in
	// the header HeaderRequestID. "" if the CA gave none.
	RequestID string `json:"-"`
}

// Error implements error: the message alone, which is what users are shown.
func (e *Error) Error() string {
	if e.Message != "" {
		return e.Message
	}
	if text := http.StatusText(e.Status); text != "" {
		return text
	}
	return fmt.Sprintf("the certificate authority answered with status %d", e.Status)
}

// UserMessage returns what the CA has to say to the user; the CLI shows it in
// the place of the whole chain of errors.
func (e *Error) UserMessage() string { return e.Message }
