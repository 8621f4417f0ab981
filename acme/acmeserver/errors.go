package acmeserver

import (
	"context"
	"errors"
	"net/http"
	"time"

	"stepca/acme"
	"stepca/ca"
	"stepca/store"
)

// kinds is the whole mapping from kinds of errors to problems. Status zero is the
// problem type's own.
var kinds = []struct {
	kind   error
	typ    acme.ProblemType
	status int
}{
	{ca.ErrTooLarge, acme.ProblemMalformed, http.StatusRequestEntityTooLarge},
	{ca.ErrAlreadyRevoked, acme.ProblemAlreadyRevoked, 0},
	{ca.ErrRejectedIdentifier, acme.ProblemRejectedIdentifier, 0},
	{ca.ErrBadCSR, acme.ProblemBadCSR, 0},
	{ca.ErrBadPublicKey, acme.ProblemBadPublicKey, 0},
	{ca.ErrMalformed, acme.ProblemMalformed, 0},
	{ca.ErrUnauthorized, acme.ProblemUnauthorized, 0},
	{ca.ErrForbidden, acme.ProblemUnauthorized, 0},
	{ca.ErrNotFound, acme.ProblemMalformed, http.StatusNotFound},
	{ca.ErrNotImplemented, acme.ProblemMalformed, http.StatusNotImplemented},
	{ca.ErrRateLimited, acme.ProblemRateLimited, 0},
	{ca.ErrUnavailable, acme.ProblemServerInternal, http.StatusServiceUnavailable},
}

// problemOf returns what the client may know of err. An error without a kind is an
// internal one; its text stays in the log.
func problemOf(err error) *acme.Problem {
	if errors.Is(err, store.ErrNonceUsed) {
		return badNonce("the nonce was used before")
	}
	if p, ok := errors.AsType[*acme.Problem](err); ok {
		return p
	}
	e, _ := errors.AsType[*ca.Error](err)
	for _, k := range kinds {
		if errors.Is(err, k.kind) {
			return problemOfKind(k.typ, k.status, e)
		}
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return problemOfKind(acme.ProblemServerInternal, http.StatusServiceUnavailable, nil)
	}
	return acme.NewProblem(acme.ProblemServerInternal, "")
}

func problemOfKind(typ acme.ProblemType, status int, e *ca.Error) *acme.Problem {
	p := acme.NewProblem(typ, "")
	if e != nil && e.Detail != "" {
		p = acme.NewProblem(typ, "%s", e.Detail)
	}
	if e != nil && e.Identifier != nil {
		p.Subproblems = []acme.Subproblem{acme.NewSubproblem(typ, *e.Identifier, e.Detail)}
	}
	if status != 0 {
		p.Status = status
	}
	if p.Status == http.StatusServiceUnavailable {
		p.RetryAfter = unavailableFor
	}
	return p
}

func malformed(format string, args ...any) *acme.Problem {
	return acme.NewProblem(acme.ProblemMalformed, format, args...)
}

// unauthorized is for a request that is not signed by whom it should be.
func unauthorized(format string, args ...any) *acme.Problem {
	return acme.NewProblem(acme.ProblemUnauthorized, format, args...).WithStatus(http.StatusUnauthorized)
}

// forbidden is for a signer who may not do what he asks for.
func forbidden(format string, args ...any) *acme.Problem {
	return acme.NewProblem(acme.ProblemUnauthorized, format, args...)
}

func notFound(what string) error { return ca.Errorf(ca.ErrNotFound, "%s not found", what) }

// busy is for what as many others are doing as this process can bear.
func busy(what string) error {
	return ca.Errorf(ca.ErrUnavailable, "too many %s; try again later", what)
}

// clip shortens what a client sent, for a problem.
func clip(s string) string { return acme.Clip(s, maxShown) }

// limited is for a client that is too fast.
func limited(wait time.Duration, what string) *acme.Problem {
	p := acme.NewProblem(acme.ProblemRateLimited, "too many %s; try again in %s", what, max(wait.Round(time.Second), time.Second))
	p.RetryAfter = wait
	return p
}
