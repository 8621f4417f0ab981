package va

import (
	"fmt"

	"stepca/acme"
)

// terminal returns a problem that another attempt will not solve.
func terminal(typ acme.ProblemType, format string, args ...any) *acme.Problem {
	p := acme.NewProblem(typ, "%s", fmt.Sprintf(format, args...))
	p.Temporary = false
	return p
}

// retryable returns a problem that another attempt may not have: the server was
// not reached, or what was looked for is not there yet.
func retryable(typ acme.ProblemType, cause error, format string, args ...any) *acme.Problem {
	p := terminal(typ, format, args...)
	p.Temporary, p.Cause = true, cause
	return p
}

// refused is terminal with a cause.
func refused(typ acme.ProblemType, cause error, format string, args ...any) *acme.Problem {
	p := terminal(typ, format, args...)
	p.Cause = cause
	return p
}

// orNil returns a nil error for a nil problem.
func orNil(p *acme.Problem) error {
	if p == nil {
		return nil
	}
	return p
}
