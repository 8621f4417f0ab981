package ca

import (
	"errors"
	"net/url"
	"testing"

	"github.com/mholt/acmez/v3/acme"
)

// What people see of an error says what the server said, in characters that do
// nothing to a terminal.
func TestACMEError(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want string
	}{
		{errors.New("x"), "It failed: x"},
		{&url.Error{Op: "Get", URL: "https://ca.example", Err: errors.New("x")}, `It failed: Get "https://ca.example": x`},
		{acme.Problem{Status: 400, Type: "urn:x\x1b[2J"}, "It failed: HTTP 400 urn:x\uFFFD[2J"},
		{&acme.Problem{Status: 400, Detail: "no\x1b[2J"}, "It failed: no\uFFFD[2J"},
		{acme.Problem{Detail: "no", Subproblems: []acme.Subproblem{
			{Problem: acme.Problem{Detail: "none"}, Identifier: acme.Identifier{Type: "dns", Value: "a.example"}},
			{Problem: acme.Problem{Detail: "nor that\a"}},
		}}, "It failed: no; a.example: none; nor that\uFFFD"},
		{acme.Problem{Detail: `dns name "a.example" not allowed`, Subproblems: []acme.Subproblem{
			{Problem: acme.Problem{Detail: `dns name "a.example" not allowed`}, Identifier: acme.Identifier{Type: "dns", Value: "a.example"}},
			{Problem: acme.Problem{Detail: `dns name "b.example" not allowed`}, Identifier: acme.Identifier{Type: "dns", Value: "b.example"}},
		}}, `It failed: dns name "a.example" not allowed; b.example: dns name "b.example" not allowed`},
	} {
		if got := acmeError("It failed", tt.err).Error(); got != tt.want {
			t.Errorf("acmeError(%#v) = %q, want %q", tt.err, got, tt.want)
		}
	}
}
