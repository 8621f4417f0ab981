package clitest

import (
	"bytes"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"stepca/cli"
	"stepca/kms"
)

// A Session runs commands in the process of the test, for what a script cannot
// do: other clocks, answers to questions, servers of the test.
type Session struct {
	Commands []cli.Command
	Environ  map[string]string // HOME is a new directory unless it is set
	Now      func() time.Time  // nil means time.Now
	Stdin    string
	KMS      kms.Registry
	Answers  []any // to the questions, in order: string, []byte, bool or int
}

// A Result is what a command did.
type Result struct {
	Stdout, Stderr string
	Code           int
}

// Run runs one command line, without the name of the program.
func (s *Session) Run(t testing.TB, args ...string) Result {
	t.Helper()
	environ := map[string]string{"HOME": t.TempDir()}
	maps.Copy(environ, s.Environ)
	now := s.Now
	if now == nil {
		now = time.Now
	}
	var stdout, stderr bytes.Buffer
	env := &cli.Env{
		Stdin:  strings.NewReader(s.Stdin),
		Stdout: &stdout,
		Stderr: &stderr,
		Getenv: func(name string) string { return environ[name] },
		Now:    now,
		Prompt: &answers{s},
		KMS:    s.KMS,
	}
	code := cli.Run(t.Context(), env, args, s.Commands...)
	return Result{stdout.String(), stderr.String(), code}
}

// answers gives the answers of a session, and has no terminal after the last.
type answers struct{ s *Session }

func answer[T any](a *answers, q cli.Question) (T, error) {
	var zero T
	if len(a.s.Answers) == 0 {
		return zero, &cli.NoTerminalError{Flag: q.Flag, Err: errors.New("no answer is left for: " + q.Label)}
	}
	value, ok := a.s.Answers[0].(T)
	if !ok {
		return zero, errors.New("the next answer is of another kind than the question: " + q.Label)
	}
	a.s.Answers = a.s.Answers[1:]
	return value, nil
}

func (a *answers) Text(q cli.Question) (string, error) {
	text, err := answer[string](a, q)
	if err == nil && q.Validate != nil {
		err = q.Validate(text)
	}
	return text, err
}

func (a *answers) Password(q cli.Question) ([]byte, error) {
	password, err := answer[[]byte](a, q)
	if err == nil && q.Validate != nil {
		err = q.Validate(string(password))
	}
	return password, err
}

func (a *answers) Confirm(q cli.Question) (bool, error) { return answer[bool](a, q) }

func (a *answers) Select(q cli.Question, items []string) (int, error) {
	i, err := answer[int](a, q)
	if err == nil && (i < 0 || i >= len(items)) {
		err = errors.New("there is no such item for: " + q.Label)
	}
	return i, err
}
