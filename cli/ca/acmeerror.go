package ca

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"github.com/mholt/acmez/v3/acme"
)

// acmeError shows what people need: of a problem document the detail, of a request
// that failed the address and the reason.
func acmeError(what string, err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("%s: %w", what, failed)
	}
	problem, ok := errors.AsType[acme.Problem](err)
	if pointer, found := errors.AsType[*acme.Problem](err); found && pointer != nil {
		problem, ok = *pointer, true
	}
	if !ok {
		return fmt.Errorf("%s: %w", what, err)
	}
	detail := problem.Detail
	if detail == "" {
		detail = fmt.Sprintf("HTTP %d %s", problem.Status, problem.Type)
	}
	for _, sub := range problem.Subproblems {
		if strings.Contains(detail, sub.Detail) && strings.Contains(detail, sub.Identifier.Value) {
			continue // it repeats what was said
		}
		detail += "; "
		if sub.Identifier.Value != "" {
			detail += sub.Identifier.Value + ": "
		}
		detail += sub.Detail
	}
	return fmt.Errorf("%s: %s", what, printable(detail))
}

// printable returns text from elsewhere without what would move the cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}
