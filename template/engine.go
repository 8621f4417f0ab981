package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"text/template"
	"text/template/parse"
	"time"

	"stepca/ca"
)

// Limits of one execution of a template. They keep a mistake, or user data that
// reaches a loop, from taking the server's memory or a core for long.
const (
	maxOutput    = 1 << 20         // bytes, also of one intermediate value
	maxSteps     = 1 << 20         // text nodes written and rounds of range
	maxExecution = 5 * time.Second // wall clock, looked at between steps
)

// A FailError is a refusal by the function fail of a template. Its message is
// for the requester; the kind is ca.ErrMalformed.
type FailError struct{ Message string }

func (e *FailError) Error() string { return e.Message }

// Unwrap makes errors.Is find the kind.
func (e *FailError) Unwrap() error { return ca.ErrMalformed }

// As lets errors.As find the *ca.Error that a protocol edge shows.
func (e *FailError) As(target any) bool {
	if p, ok := target.(**ca.Error); ok {
		*p = &ca.Error{Kind: ca.ErrMalformed, Detail: e.Message}
		return true
	}
	return false
}

// An OutputError says that a template ran and its output is not the JSON of a
// certificate. The requester of a server reads only OutputErrorText.
type OutputError struct{ Err error }

// OutputErrorText is what the requester reads in place of an OutputError.
const OutputErrorText = "error applying certificate template"

func (e *OutputError) Error() string { return "error unmarshaling certificate: " + e.Err.Error() }

// Unwrap returns the reason.
func (e *OutputError) Unwrap() error { return e.Err }

// parseText parses a template and arms its loops with the step counter.
func parseText(name, text string, funcs template.FuncMap) (*template.Template, error) {
	t, err := template.New(name).Funcs(funcs).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("error parsing template: %w", err)
	}
	for _, associated := range t.Templates() {
		if associated.Tree != nil {
			countSteps(associated.Tree.Root, true)
		}
	}
	return t, nil
}

// countSteps puts an empty text node at the head of each loop body and of the
// template itself. It writes nothing, but the writer sees the call and can end
// the execution, which text/template has no other way to do.
func countSteps(list *parse.ListNode, head bool) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch node := node.(type) {
		case *parse.RangeNode:
			countSteps(node.List, true)
			countSteps(node.ElseList, false)
		case *parse.IfNode:
			countSteps(node.List, false)
			countSteps(node.ElseList, false)
		case *parse.WithNode:
			countSteps(node.List, false)
			countSteps(node.ElseList, false)
		}
	}
	if head {
		step := &parse.TextNode{NodeType: parse.NodeText, Pos: list.Pos}
		list.Nodes = append([]parse.Node{step}, list.Nodes...)
	}
}

// execute runs a template within the limits. Its error is a *FailError if the
// template refused.
func execute(t *template.Template, data any) ([]byte, error) {
	w := limitWriter{deadline: time.Now().Add(maxExecution)}
	err := safely(func() error { return t.Execute(&w, data) })
	if err == nil {
		return w.buf.Bytes(), nil
	}
	if fail, ok := errors.AsType[*FailError](err); ok {
		return nil, fail
	}
	return nil, fmt.Errorf("error executing template: %w", err)
}

// safely turns a panic into an error. text/template recovers those of functions;
// this is for what a value's own methods may do while being printed.
func safely(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return f()
}

// A limitWriter collects output and ends an execution that exceeds its limits.
type limitWriter struct {
	buf      bytes.Buffer
	steps    int
	deadline time.Time
}

// stepsPerClock is how many steps go by between two looks at the clock.
const stepsPerClock = 64

func (w *limitWriter) Write(p []byte) (int, error) {
	w.steps++
	switch {
	case w.buf.Len()+len(p) > maxOutput:
		return 0, fmt.Errorf("output exceeds %d bytes", maxOutput)
	case w.steps > maxSteps:
		return 0, fmt.Errorf("more than %d steps", maxSteps)
	case w.steps%stepsPerClock == 0 && time.Now().After(w.deadline):
		return 0, fmt.Errorf("took longer than %v", maxExecution)
	}
	return w.buf.Write(p)
}

// decodeOutput decodes the first JSON value of a template's output. Its error is
// an *OutputError.
func decodeOutput(output []byte, v any) error {
	err := json.NewDecoder(bytes.NewReader(output)).Decode(v)
	if err == nil {
		return nil
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		err = fmt.Errorf("%w at offset %d", err, syntax.Offset)
	}
	return &OutputError{Err: err}
}
