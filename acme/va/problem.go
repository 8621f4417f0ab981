package va

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"

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

// unreached says why a host was not reached, while doing such as "fetching" a URL.
func unreached(doing string, err error) *acme.Problem {
	if errors.Is(err, errRedirect) || errors.Is(err, errRefusedAddress) {
		return refused(acme.ProblemConnection, err, "%s: %s", doing, refusal(err))
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dnsProblem(err, "address of "+dns.Name)
	}
	return retryable(acme.ProblemConnection, err, "%s: %s", doing, reason(err))
}

// refusal is the text of a refused redirect or address without the wrapping of
// net/http and net.
func refusal(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	return err.Error()
}

// reason is the innermost text of a network error, for people.
func reason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		if op.Timeout() {
			return "no answer in time"
		}
		if op.Addr != nil {
			return fmt.Sprintf("%s %s: %v", op.Op, op.Addr, op.Err)
		}
		return op.Err.Error()
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err.Error()
	}
	return err.Error()
}

// quote returns an answer of a stranger, shortened, in printable form.
func quote(s string) string { return strconv.QuoteToASCII(clip(s)) }

func clip(s string) string { return acme.Clip(s, maxShownAnswer) }
