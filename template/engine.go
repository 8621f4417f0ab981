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
	maxSteps     = 1 << 20         // nodes written and rounds of loops
	maxDepth     = 100             // templates that invoke one another, and nested blocks
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

// parseText parses a template and puts the marks into it by which a limitWriter
// follows its execution.
func parseText(name, text string, funcs template.FuncMap) (*template.Template, error) {
	t, err := template.New(name).Funcs(funcs).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("error parsing template: %w", err)
	}
	for _, associated := range t.Templates() {
		if associated.Tree == nil {
			continue
		}
		root := associated.Tree.Root
		if err := markLoops(root, 0); err != nil {
			return nil, fmt.Errorf("error parsing template: %w", err)
		}
		root.Nodes = append([]parse.Node{mark(markEnter)}, root.Nodes...)
		root.Nodes = append(root.Nodes, mark(markLeave))
	}
	return t, nil
}

// Marks are empty text nodes: they write nothing, but the writer sees the call
// and can end the execution, which text/template has no other way to do. They
// are told apart by their address.
const (
	markEnter = iota // at the head of a template
	markLeave        // at its end
	markRound        // at the head of a loop's body
	numMarks
)

var marks [numMarks]byte

func mark(kind int) *parse.TextNode {
	return &parse.TextNode{NodeType: parse.NodeText, Text: marks[kind:kind:numMarks]}
}

// markLoops marks the loops in a list of nodes, and refuses a nesting so deep
// that text/template would take very long to unwind from an error.
func markLoops(list *parse.ListNode, depth int) error {
	if list == nil {
		return nil
	}
	if depth > maxDepth {
		return fmt.Errorf("blocks are nested more than %d deep", maxDepth)
	}
	for _, node := range list.Nodes {
		var branch *parse.BranchNode
		switch node := node.(type) {
		case *parse.RangeNode:
			branch = &node.BranchNode
			node.List.Nodes = append([]parse.Node{mark(markRound)}, node.List.Nodes...)
		case *parse.IfNode:
			branch = &node.BranchNode
		case *parse.WithNode:
			branch = &node.BranchNode
		default:
			continue
		}
		if err := errors.Join(markLoops(branch.List, depth+1), markLoops(branch.ElseList, depth+1)); err != nil {
			return err
		}
	}
	return nil
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
	depth    int // of templates that invoke one another
	deadline time.Time
}

// stepsPerClock is how many steps go by between two looks at the clock.
const stepsPerClock = 64

func (w *limitWriter) Write(p []byte) (int, error) {
	if len(p) == 0 && cap(p) > 0 {
		switch &p[:1][0] {
		case &marks[markEnter]:
			w.depth++
		case &marks[markLeave]:
			w.depth--
		}
	}
	w.steps++
	switch {
	case w.buf.Len()+len(p) > maxOutput:
		return 0, fmt.Errorf("output exceeds %d bytes", maxOutput)
	case w.steps > maxSteps:
		return 0, fmt.Errorf("more than %d steps", maxSteps)
	case w.depth > maxDepth:
		return 0, fmt.Errorf("templates invoke one another more than %d deep", maxDepth)
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
