package acmeserver

import (
	"errors"
	"net/http"

	"stepca/acme"
	"stepca/ca"
)

// refusals collects what is wrong with several identifiers (RFC 8555 §6.7.1).
type refusals struct{ problems []*acme.Problem }

// add notes why an identifier is refused. It returns an error that is not the
// client's fault.
func (r *refusals) add(id acme.Identifier, err error) error {
	p := problemOf(err)
	if p.Status >= http.StatusInternalServerError {
		return err
	}
	detail := p.Detail
	if e, ok := errors.AsType[*ca.Error](err); ok && e.Detail != "" {
		detail = e.Detail
	}
	p.Subproblems = []acme.Subproblem{{Type: p.Type, Detail: detail, Identifier: &id}}
	r.problems = append(r.problems, p)
	return nil
}

// err returns nil, the only refusal, or one for all with a subproblem each: of
// their type if they share it, else compound.
func (r *refusals) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	first := r.problems[0]
	if len(r.problems) == 1 {
		return first
	}
	whole := &acme.Problem{Type: first.Type, Detail: first.Detail, Status: first.Status}
	for _, p := range r.problems {
		whole.Subproblems = append(whole.Subproblems, p.Subproblems...)
		if p.Type != first.Type {
			compound := acme.NewProblem(acme.ProblemCompound, "")
			whole.Type, whole.Detail, whole.Status = compound.Type, compound.Detail, compound.Status
		}
	}
	return whole
}
