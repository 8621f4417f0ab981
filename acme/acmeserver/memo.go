package acmeserver

import (
	"bytes"
	"sync"
)

// A memo keeps what records were decoded into, because each request of a flow
// reads its account and most read its order. What is kept counts only for the very
// bytes it was decoded from, so that nothing another server wrote is overlooked.
type memo[T any] struct {
	clone func(*T) *T // returns a copy that shares nothing that is ever changed

	mu       sync.Mutex // guards the rest
	now, old map[string]memoEntry[T]
}

// A memoEntry is never changed.
type memoEntry[T any] struct {
	data  []byte
	value *T
}

func newMemo[T any](clone func(*T) *T) *memo[T] {
	return &memo[T]{clone: clone, now: make(map[string]memoEntry[T])}
}

// get returns a copy of the value of a record, or nil.
func (m *memo[T]) get(id string, data []byte) *T {
	e := m.entry(id)
	if e.value == nil || !bytes.Equal(e.data, data) {
		return nil
	}
	return m.clone(e.value)
}

func (m *memo[T]) entry(id string) memoEntry[T] {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.now[id]
	if !ok {
		e = m.old[id]
	}
	return e
}

// put keeps a copy of the value of a record, unless that is large. Nobody may change
// data from now on.
func (m *memo[T]) put(id string, data []byte, value *T) {
	if len(data) > maxMemoRecord {
		return
	}
	value = m.clone(value)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.now) >= memoSize {
		m.old, m.now = m.now, make(map[string]memoEntry[T])
	}
	m.now[id] = memoEntry[T]{data, value}
}
