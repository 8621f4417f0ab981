package cli

import "fmt"

// A Question is what a Prompter asks.
type Question struct {
	Label string // without a colon at the end

	// Flag names the flag, without dashes, that would have answered. Without a
	// terminal the error says so; "" says nothing.
	Flag string

	Default  string             // the answer that is offered for editing
	Validate func(string) error // refuses answers; nil accepts all
}

// A Prompter asks the user. Its errors are to be shown; where nobody can be
// asked they wrap *NoTerminalError.
type Prompter interface {
	// Text asks for one line.
	Text(Question) (string, error)
	// Password asks for one line without showing it. White space at its end is
	// not part of the answer.
	Password(Question) ([]byte, error)
	// Confirm asks for yes or no.
	Confirm(Question) (bool, error)
	// Select asks for one of the items and returns its index.
	Select(Question, []string) (int, error)
}

// A NoTerminalError is a question that could not be asked.
type NoTerminalError struct {
	Flag string // the flag that would have answered it; "" if there is none
	Err  error  // why there is no terminal
}

func (e *NoTerminalError) Error() string {
	if e.Flag == "" {
		return fmt.Sprintf("error allocating terminal: %v", e.Err)
	}
	return fmt.Sprintf("error allocating terminal: %v; use the '--%s' flag to run without a terminal", e.Err, e.Flag)
}

func (e *NoTerminalError) Unwrap() error { return e.Err }
