package apiserver

import (
	"errors"
	"fmt"
	"net/http"

	"stepca/api"
	"stepca/ca"
)

// seeLogs ends the sentences that say nothing specific.
const seeLogs = "Please see the certificate authority logs for more info."

// statuses is the whole mapping from kinds to this API. Where an error has a
// detail for the requester, it is put between before and after; otherwise the
// general sentence is all that is said.
var statuses = []struct {
	kind          error
	status        int
	before, after string
	general       string
}{
	{ca.ErrTooLarge, http.StatusRequestEntityTooLarge, "The request could not be completed: ", ".", "The request could not be completed; it is too large."},
	{ca.ErrAlreadyRevoked, http.StatusBadRequest, "The request could not be completed: ", ".", badRequest},
	{ca.ErrMalformed, http.StatusBadRequest, "The request could not be completed: ", ".", badRequest},
	{ca.ErrBadCSR, http.StatusBadRequest, "The request could not be completed: ", ".", badRequest},
	{ca.ErrBadPublicKey, http.StatusBadRequest, "The request could not be completed: ", ".", badRequest},
	{ca.ErrUnauthorized, http.StatusUnauthorized, "", "", "The request lacked necessary authorization to be completed. " + seeLogs},
	{ca.ErrRejectedIdentifier, http.StatusForbidden, "The request was forbidden by the certificate authority: ", "", forbidden},
	{ca.ErrForbidden, http.StatusForbidden, "The request was forbidden by the certificate authority: ", ".", forbidden},
	{ca.ErrNotFound, http.StatusNotFound, "", "", "The requested resource could not be found. " + seeLogs},
	{ca.ErrNotImplemented, http.StatusNotImplemented, "", "", "The requested method is not implemented by the certificate authority. " + seeLogs},
	{ca.ErrRateLimited, http.StatusTooManyRequests, "", "", "The certificate authority is receiving too many requests; try again later."},
	{ca.ErrUnavailable, http.StatusServiceUnavailable, "", "", "The certificate authority is not available at the moment; try again later."},
}

const (
	badRequest = "The request could not be completed; malformed or missing data. " + seeLogs
	forbidden  = "The request was forbidden by the certificate authority. " + seeLogs
)

// errorBody returns what the requester may know of err. An error without a kind
// is an internal one; its text stays in the log.
func errorBody(err error) api.Error {
	detail := ""
	if e, ok := errors.AsType[*ca.Error](err); ok {
		detail = e.Detail
	}
	for _, s := range statuses {
		if !errors.Is(err, s.kind) {
			continue
		}
		if detail == "" {
			return api.Error{Status: s.status, Message: s.general}
		}
		return api.Error{Status: s.status, Message: s.before + detail + s.after}
	}
	if detail == "" {
		detail = "The certificate authority encountered an Internal Server Error. " + seeLogs
	}
	return api.Error{Status: http.StatusInternalServerError, Message: detail}
}

// unexpectedStatus is the sentence of a status that has none of its own.
func unexpectedStatus(status int) string {
	return fmt.Sprintf("The certificate authority received an unexpected HTTP status code - '%d'. %s", status, seeLogs)
}
